import type { Call } from '../../lib/call.ts'
import { toErrorInfo } from '../../lib/errors.ts'

/** The result of `open`; if it throws, undefined and a warning that begins with `consequence`. */
export function openOrWarn<T>(consequence: string, call: Call, open: () => T): T | undefined {
  try {
    return open()
  } catch (error) {
    const { message, why, hint } = toErrorInfo(error)
    const cause = [message, why].filter((part) => part !== undefined).join(': ')
    call.notify({ kind: 'warning', text: [`${consequence}: ${cause}.`, hint].join(' ').trim() })
    return undefined
  }
}
