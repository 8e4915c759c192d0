import type { FileHandle } from 'node:fs/promises'
import { ChainedLog } from '../../src/audit/log/chained-log.ts'
import { openToAppend } from '../../src/audit/query/read-log.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { waitingClock } from './audit-log.ts'

/** The operations on the file of a log between which a process can be suspended. */
export type FileOperation = 'stat' | 'read' | 'write' | 'datasync' | 'close'

/** Called before an operation on the file of a log. It can wait, or fail. */
export type Hook = (operation: FileOperation, handle: FileHandle, args: readonly unknown[]) => Promise<void>

let ids = 0

/** A log whose operations on its file call a hook first. */
export function hookedLog(path: string, hook: Hook, clock: Clock = waitingClock()): ChainedLog {
  const openFile = async (name: string, make: boolean): Promise<FileHandle | undefined> => {
    const handle = await openToAppend(name, make)
    return handle === undefined ? undefined : withHook(handle, hook)
  }
  return new ChainedLog(path, {
    clock,
    newId: () => `hooked${ids++}`,
    openFile: openFile as typeof openToAppend,
  })
}

function withHook(handle: FileHandle, hook: Hook): FileHandle {
  const hooked = new Set<string | symbol>(['stat', 'read', 'write', 'datasync', 'close'])
  return new Proxy(handle, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (!hooked.has(name)) return value.bind(target) as unknown
      return async (...args: unknown[]) => {
        await hook(name as FileOperation, target, args)
        return (await value.apply(target, args)) as unknown
      }
    },
  })
}

export interface Suspended {
  readonly log: ChainedLog
  /** resolves when the process is suspended; never if it has fewer operations */
  readonly reached: Promise<void>
  resume(): void
}

/** A writer that is suspended before the operations for which `isHere` is true, the first time. */
export function suspendedWriter(
  path: string,
  isHere: (count: number, operation: FileOperation) => boolean,
): Suspended {
  const reached = Promise.withResolvers<void>()
  const resumed = Promise.withResolvers<void>()
  let count = 0
  let isPast = false
  const log = hookedLog(path, async (operation) => {
    if (isPast || !isHere(++count, operation)) return
    isPast = true
    reached.resolve()
    await resumed.promise
  })
  return { log, reached: reached.promise, resume: () => resumed.resolve() }
}
