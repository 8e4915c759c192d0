import { isBuiltin } from 'node:module'
import type { Plugin } from 'rolldown'

const prefix = 'builtin:'

/**
 * Loads a module of Node when the first module that imports it is evaluated. In a single CommonJS
 * file, the bundler would load those of all commands at the start.
 */
export const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  resolveId(source, _importer, { kind }) {
    // A `require` of a third-party package is already in the function of its module.
    if (kind === 'require-call' || !isBuiltin(source)) return undefined
    return { id: prefix + source.replace(/^node:/, ''), moduleSideEffects: false }
  },
  load(id) {
    return id.startsWith(prefix) ? wrapBuiltin(id.slice(prefix.length)) : undefined
  },
}

/** A module with the exports of a module of Node. Exports that nothing uses are removed. */
function wrapBuiltin(name: string): string {
  const builtin = process.getBuiltinModule(`node:${name}`) as object
  const names = Object.keys(builtin).filter((key) => /^[a-z_$][\w$]*$/i.test(key) && key !== 'default')
  return [
    `const builtin = process.getBuiltinModule('node:${name}')`,
    // A getter of Node may load another module or print a warning, so only what is used is read.
    'const read = (name) => builtin[name]',
    'export default builtin',
    ...names.map((key, i) => `const export${i} = /* @__PURE__ */ read('${key}')`),
    `export { ${names.map((key, i) => `export${i} as ${key}`).join(', ')} }`,
  ].join('\n')
}
