import { sep } from 'node:path'
import type { Plugin } from 'rolldown'

/**
 * Modules of packages that dray does not need, by their paths in `node_modules/`, with the code
 * that replaces them. Each was measured. The build fails if a package has moved one of them.
 */
const replaced: Readonly<Record<string, string>> = {
  // dray uses the parser of oclif, and shows errors and help itself. These modules lay out errors
  // and lists, write logs, and load the help, a template engine and five packages for colours.
  '@oclif/core/lib/cache.js': 'exports.default = { getInstance: () => new Map() }',
  '@oclif/core/lib/errors/index.js': `
    exports.CLIError = class CLIError extends Error {
      oclif = {}
      constructor(error, { exit = 2, code, suggestions } = {}) {
        super(error instanceof Error ? error.message : error)
        Object.assign(this, { oclif: { exit }, code, suggestions })
      }
    }`,
  '@oclif/core/lib/help/index.js': '',
  '@oclif/core/lib/logger.js': 'exports.makeDebug = () => () => undefined',
  '@oclif/core/lib/parser/help.js': '',
  '@oclif/core/lib/util/fs.js': '',
  '@oclif/core/lib/ux/list.js': `
    exports.default = (rows) => rows.map((row) => row.join('  ')).join('\\n')`,
  '@oclif/core/lib/ux/theme.js': 'exports.colorize = (_, text) => text',
  // dray offers no HTTP/2. Otherwise undici loads 40 KB and node:http2: 6 ms.
  'undici/lib/dispatcher/client-h2.js': `
    module.exports = () => { throw new Error('the server speaks HTTP/2, which dray did not offer') }`,
  // This is an experimental HTTP parser, which a variable of the environment would enable.
  'undici/lib/dispatcher/parser-h1.js': 'exports.getMiloEnabled = () => false',
  // dray never opens an editor to ask. This module loads the tables of all character sets.
  '@inquirer/external-editor/dist/index.js': 'exports.editAsync = undefined',
  // dray reads dray.yaml itself. This module executes files and has a second YAML parser.
  'cosmiconfig/dist/loaders.js': '',
}

/** Modules of Node in undici. */
const ofUndici: Readonly<Record<string, string>> = {
  // It loads a module that lays out differences of values.
  'node:assert': `
    module.exports = (value, message) => {
      if (!value) process.getBuiltinModule('node:assert')(value, message)
    }`,
  // It needs the class to recognise bodies of another client, and a limit that dray always sets.
  'node:http': 'module.exports = { IncomingMessage: class IncomingMessage {}, maxHeaderSize: 16384 }',
}

/** Removes work of packages at every start that dray does not need. */
export function leanPackages(): Plugin {
  const unused = new Set(Object.keys(replaced))
  return {
    name: 'lean-packages',
    resolveId(source, importer) {
      const isUndici = importer?.includes(`${sep}node_modules${sep}undici${sep}`) === true
      return isUndici && Object.hasOwn(ofUndici, source) ? `lean:${source}` : undefined
    },
    load(id) {
      const builtin = id.startsWith('lean:') ? ofUndici[id.slice('lean:'.length)] : undefined
      if (builtin !== undefined) return { code: builtin, moduleType: 'js' }
      const path = id.split(`${sep}node_modules${sep}`).at(-1)?.split(sep).join('/') ?? ''
      const code = replaced[path]
      if (code === undefined) return undefined
      unused.delete(path)
      return { code: `exports.__esModule = true\n${code}`, moduleType: 'js' }
    },
    buildEnd() {
      if (unused.size > 0)
        throw new Error(`no package has ${[...unused].join(', ')}: check ${import.meta.filename}`)
    },
  }
}
