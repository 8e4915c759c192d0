import { isBuiltin } from 'node:module'
import { dirname, join } from 'node:path/posix'
import type { OutputChunk } from 'rolldown'
import { parseSync, Visitor } from 'rolldown/utils'
import type { ESTree } from 'rolldown/utils'

interface Span {
  readonly start: number
  readonly end: number
}

/** Text that replaces a part of the code. */
interface Edit extends Span {
  readonly text: string
}

/** A module of the bundle: the name of its file, and its code as the body of a function. */
interface ModuleFunction {
  readonly name: string
  readonly code: string
}

/**
 * Joins CommonJS modules to one file. Each module is a function in a table under the name of its
 * file, which stacks and profiles show. It runs when another module uses the first of its exports,
 * not when the other one imports it: a run evaluates only what it uses. The sources have no cycles,
 * and no module has an effect that another one expects without a call.
 * @param nameOf the name of a module by its path
 */
export function joinModules(chunks: readonly OutputChunk[], nameOf: (moduleId: string) => string): string {
  const names = new Map(chunks.map((chunk) => [chunk.fileName, nameOf(chunk.moduleIds[0] ?? chunk.fileName)]))
  const entry = chunks.find(({ isEntry }) => isEntry)
  const modules = chunks.map((chunk) => lazyModule(chunk, names))
  return `(typeof module === 'undefined' ? (program) => program : (program) => {
program(exports)
if (require.main === module) void exports.main(process.argv.slice(2))
})((function (exports) {
const __loaded = Object.create(null)
function __load(name) {
  return __loaded[name] ?? __evaluate(name)
}
function __evaluate(name) {
  const exports = (__loaded[name] = {})
  try {
    __modules[name](exports)
  } catch (error) {
    delete __loaded[name]
    throw error
  }
  return exports
}
const __modules = {
${modules.map(({ name, code }) => `${JSON.stringify(name)}: (exports) => {\n${code}\n},`).join('\n')}
}
Object.assign(exports, __load(${JSON.stringify(names.get(entry?.fileName ?? ''))}))
exports.countModules = () => Object.keys(__loaded).length
}))
`
}

/** Replaces the imports of a module by loads at the first use. */
function lazyModule({ fileName, code }: OutputChunk, names: ReadonlyMap<string, string>): ModuleFunction {
  const name = names.get(fileName) ?? fileName
  const nameOf = (path: string): string | undefined => names.get(join(dirname(fileName), path))
  const lazy = [true, false]
    .map((hasLazyBuiltins) => replaceImports(code, nameOf, hasLazyBuiltins))
    .find((one) => parseSync(fileName, one, { sourceType: 'commonjs' }).errors.length === 0)
  if (lazy === undefined) throw new Error(`the imports of ${name} cannot be replaced`)
  // Bundlers omit it in CommonJS, although it applies to ES modules.
  return { name, code: name.startsWith('src/') ? `'use strict';\n${lazy}` : lazy }
}

/**
 * Replaces each variable of an import by an expression that loads the module. If the name of a
 * module of Node has another meaning in a function, the result has a syntax error: then the modules
 * of Node are loaded when the module is evaluated.
 * @param nameOf the name of a module in the table, by its relative path
 */
function replaceImports(
  code: string,
  nameOf: (path: string) => string | undefined,
  hasLazyBuiltins: boolean,
): string {
  const { program } = parseSync('module.cjs', code, { sourceType: 'commonjs' })
  /** The expression that loads the module of a `require('…')`. */
  const loadOf = ({ start, end }: Span): string | undefined => {
    const path = /^require\(["'`]([^"'`]+)["'`]\)$/.exec(code.slice(start, end))?.[1]
    if (path === undefined) return undefined
    if (isBuiltin(path)) return `process.getBuiltinModule(${JSON.stringify(path)})`
    const name = nameOf(path)
    return name === undefined ? undefined : `__load(${JSON.stringify(name)})`
  }
  const variables = new Map<string, string>()
  const edits: Edit[] = []
  const isDone = ({ start, end }: Span): boolean =>
    edits.some((edit) => edit.start <= start && end <= edit.end)
  /** Names of properties, which are no variables. */
  const keys = new Set<number>()
  new Visitor({
    VariableDeclaration({ start, end, declarations }) {
      const [declared, ...others] = declarations
      const load = declared?.init == null ? undefined : loadOf(declared.init)
      if (declared === undefined || load === undefined || others.length > 0) return
      if (!hasLazyBuiltins && load.startsWith('process.')) return
      const bound = variablesOf(declared.id)
      if (bound === undefined) return
      for (const { name, property } of bound)
        variables.set(name, `(${name} ??= ${load}${property === undefined ? '' : `.${property}`})`)
      edits.push({ start, end, text: `let ${bound.map(({ name }) => name).join(', ')};` })
    },
  }).visit(program)
  new Visitor({
    MemberExpression({ computed, property }) {
      if (!computed) keys.add(property.start)
    },
    Property({ computed, shorthand, key, start, end }) {
      if (computed) return
      keys.add(key.start)
      const load = key.type === 'Identifier' && shorthand ? variables.get(key.name) : undefined
      if (load === undefined || isDone({ start, end })) return
      edits.push({ start, end, text: `${code.slice(key.start, key.end)}: ${load}` })
    },
    Identifier({ name, start, end }) {
      const load = variables.get(name)
      if (load === undefined || keys.has(start) || isDone({ start, end })) return
      edits.push({ start, end, text: load })
    },
    CallExpression({ start, end }) {
      const load = loadOf({ start, end })
      if (load !== undefined && !isDone({ start, end })) edits.push({ start, end, text: load })
    },
  }).visit(program)
  return applyEdits(code, edits)
}

/** The variables of `NAME` or `{ NAME, PROPERTY: NAME }`; undefined for other patterns. */
function variablesOf(
  pattern: ESTree.BindingPattern,
): readonly { readonly name: string; readonly property?: string }[] | undefined {
  if (pattern.type === 'Identifier') return [{ name: pattern.name }]
  if (pattern.type !== 'ObjectPattern') return undefined
  const found = pattern.properties.flatMap((one) =>
    one.type === 'Property' && one.key.type === 'Identifier' && one.value.type === 'Identifier'
      ? [{ name: one.value.name, property: one.key.name }]
      : [],
  )
  return found.length === pattern.properties.length ? found : undefined
}

function applyEdits(code: string, edits: readonly Edit[]): string {
  let text = ''
  let done = 0
  for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
    text += code.slice(done, edit.start) + edit.text
    done = edit.end
  }
  return text + code.slice(done)
}
