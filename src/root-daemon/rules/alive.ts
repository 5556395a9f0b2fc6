/** The set whose only element is 53 while we are alive. */
export const aliveSet = 'names_alive';
/** Its element. */
export const aliveElement = '53';
/** How long names are still redirected after we stopped renewing. */
export const aliveSeconds = 3;
