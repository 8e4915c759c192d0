import { dirname, join } from 'node:path/posix'
import type { OutputChunk } from 'rolldown'
import { parseSync, Visitor } from 'rolldown/utils'

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
  const { program, errors } = parseSync(fileName, code, { sourceType: 'commonjs' })
  if (errors.length > 0) throw new Error(`cannot parse ${fileName}: ${errors[0]?.message}`)
  const loadedBy = ({ start, end }: Span): string | undefined => {
    const [, path] = /^require\("(\.[^"]*)"\)$/.exec(code.slice(start, end)) ?? []
    return path === undefined ? undefined : names.get(join(dirname(fileName), path))
  }
  const imports = new Map<string, string>()
  const edits: Edit[] = []
  for (const statement of program.body) {
    if (statement.type !== 'VariableDeclaration') continue
    const [declared] = statement.declarations
    if (declared?.id.type !== 'Identifier' || declared.init == null) continue
    const name = loadedBy(declared.init)
    if (name === undefined) continue
    imports.set(declared.id.name, name)
    edits.push({ start: statement.start, end: statement.end, text: `let ${declared.id.name};` })
  }
  const isDone = ({ start, end }: Span): boolean =>
    edits.some((edit) => edit.start <= start && end <= edit.end)
  /** Names of properties, which are no variables. */
  const keys = new Set<number>()
  new Visitor({
    MemberExpression({ computed, property }) {
      if (!computed) keys.add(property.start)
    },
    Property({ computed, shorthand, key }) {
      if (!computed && !shorthand) keys.add(key.start)
    },
    Identifier({ name, start, end }) {
      const module = imports.get(name)
      if (module === undefined || keys.has(start) || isDone({ start, end })) return
      edits.push({ start, end, text: `(${name} ??= __load(${JSON.stringify(module)}))` })
    },
    CallExpression({ start, end }) {
      const [, builtin] = /^require\(["'`]([^."'`][^"'`]*)["'`]\)$/.exec(code.slice(start, end)) ?? []
      if (builtin !== undefined)
        edits.push({ start, end, text: `process.getBuiltinModule(${JSON.stringify(builtin)})` })
      const module = loadedBy({ start, end })
      if (module === undefined || isDone({ start, end })) return
      edits.push({ start, end, text: `__load(${JSON.stringify(module)})` })
    },
  }).visit(program)
  const isSource = names.get(fileName)?.startsWith('src/') === true
  return {
    name: names.get(fileName) ?? fileName,
    code: (isSource ? "'use strict';\n" : '') + applyEdits(code, edits),
  }
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
