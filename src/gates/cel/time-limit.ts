import { createContext, Script } from 'node:vm'

const maxMs = 1000

/**
 * Returns a function that calls `run` and ends it after one second. The expression of a rule is
 * CPU-bound, and only V8's own timeout of scripts can end it; that covers functions of other
 * contexts that the script calls.
 *
 * The returned function throws what `run` throws, or an error for which `isTimeLimit` is true.
 */
export function limitTime<Value>(): (run: () => Value) => Value {
  const holder: { run?: () => Value } = {}
  const context = createContext(holder)
  const script = new Script('run()')
  return (run) => {
    holder.run = run
    try {
      return script.runInContext(context, { timeout: maxMs }) as Value
    } finally {
      delete holder.run
    }
  }
}

export function isTimeLimit(thrown: unknown): boolean {
  return (
    typeof thrown === 'object' &&
    thrown !== null &&
    (thrown as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
  )
}
