import type { ASTNode } from '@marcbachmann/cel-js'

/**
 * The parts of a node that the library's own macros use, but that its types do not describe. Its
 * version is pinned; the tests of expressions fail if one of these parts changes.
 */
interface OpenNode {
  readonly meta: {
    readonly evaluate: Evaluate
    readonly alternate?: unknown
    readonly macro?: HasMacro | { readonly macroHasProps?: never }
  }
  /** of a node whose type was checked */
  readonly checkedType?: { readonly name?: string }
  setMeta(key: 'evaluate', value: Evaluate): unknown
}

interface HasMacro {
  readonly args: readonly [ASTNode]
  typeCheck: (checker: Checker, macro: unknown, context: unknown) => unknown
}

interface Checker {
  check(node: ASTNode, context: unknown): unknown
}

type Evaluate = (evaluator: unknown, node: unknown, context: unknown) => unknown

/** Calls `visit` for a node and everything below it. Macros share the nodes of their arguments. */
export function walk(node: ASTNode, visit: (node: ASTNode) => void): void {
  const nodes = [node]
  for (let next = nodes.pop(); next !== undefined; next = nodes.pop()) {
    visit(next)
    nodes.push(...childrenOf(next))
  }
}

function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return []
    case '.':
    case '.?':
      return [node.args[0]]
    case 'call':
      return node.args[1]
    case 'rcall':
      return [node.args[1], ...node.args[2]]
    case 'map':
      return node.args.flat()
    case '!_':
    case '-_':
      return [node.args]
    default:
      return node.args
  }
}

/** Renames the function that a call names. The checker finds functions by this name. */
export function renameCall(node: ASTNode & { readonly op: 'call' | 'rcall' }, name: string): void {
  const args = node.args as unknown as [string, ...unknown[]]
  args[0] = name
}

/** The checker of the library accepts any field in `has(…)`. It has to accept only known fields. */
export function checkFieldsInHas(node: ASTNode): void {
  const { macro } = (node as unknown as OpenNode).meta
  if (macro === undefined || node.op !== 'call' || node.args[0] !== 'has') return
  const has = macro as HasMacro
  const { typeCheck } = has
  has.typeCheck = (checker, self, context) => {
    const type = typeCheck(checker, self, context)
    checker.check(has.args[0], context)
    return type
  }
}

/** Returns the type of a node, once the types are checked. */
export function typeNameOf(node: ASTNode): string | undefined {
  return (node as unknown as OpenNode).checkedType?.name
}

/** Calls `check` with every value of the node. Use it after the types are checked. */
export function checkValues(node: ASTNode, check: (value: unknown) => void): void {
  const open = node as unknown as OpenNode
  const { evaluate } = open.meta
  open.setMeta('evaluate', (evaluator, self, context) => {
    const value = evaluate(evaluator, self, context)
    check(value)
    return value
  })
}
