/** The hash of the bundle. The build replaces this module. */
export const buildId: string = 'source'
