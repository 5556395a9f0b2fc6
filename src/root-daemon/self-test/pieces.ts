import { exemptGroup } from '#protocol/gate.ts';

/** A part of the kernel that our rules are made of, and rules that need it and nothing else. */
export interface KernelPiece {
  readonly name: string;
  /** What a kernel's configuration calls it. */
  readonly option: string;
  readonly rules: string;
}

const nat = 'type nat hook output priority -110; policy accept;';
const filter = 'type filter hook output priority -300; policy accept;';
const chain = (base: string, rule: string): string => `chain probe { ${base}\n${rule}\n}`;

/** In an order in which the first that is missing explains those after it. */
export const kernelPieces: readonly KernelPiece[] = [
  { name: 'nf_tables', option: 'CONFIG_NF_TABLES_INET', rules: '' },
  { name: 'tables that belong to a process', option: 'Linux 5.12', rules: 'flags owner;' },
  {
    name: 'sets with time-outs',
    option: 'CONFIG_NF_TABLES',
    rules: 'set probe { type inet_service; timeout 3s; elements = { 53 }; }',
  },
  { name: 'nat chains', option: 'CONFIG_NFT_NAT', rules: chain(nat, 'counter') },
  {
    name: 'redirect',
    option: 'CONFIG_NFT_REDIR',
    rules: chain(nat, 'ip daddr 192.0.2.1 tcp dport 1 redirect to :2'),
  },
  {
    name: "the group of a packet's sender",
    option: 'CONFIG_NFT_META',
    rules: chain(nat, `meta skgid ${String(exemptGroup)} return`),
  },
  {
    name: 'reject with a reset',
    option: 'CONFIG_NFT_REJECT_INET',
    rules: chain(filter, 'meta l4proto tcp reject with tcp reset'),
  },
  {
    name: 'connection tracking',
    option: 'CONFIG_NFT_CT',
    rules: chain(filter, 'tcp dport 1 notrack'),
  },
];
