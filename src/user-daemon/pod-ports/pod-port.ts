/** A port of a pod's loopback that is wanted at the same place of the laptop. */
export interface PodPort {
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
}
