import type { Plugin } from 'rolldown'

/**
 * Reads the packages of AWS from their ES modules. Node would take one CommonJS file for each
 * package, from which the bundler cannot remove what dray does not use: 680 KB more.
 */
export const smallModules: Plugin = {
  name: 'small-modules',
  async resolveId(source, importer, options) {
    if (!/^@(?:aws-sdk|aws|smithy)\//.test(source)) return undefined
    const found = await this.resolve(source, importer, { ...options, skipSelf: true })
    return found === null ? null : { ...found, id: found.id.replace(/([\\/])dist-cjs\1/, '$1dist-es$1') }
  },
}
