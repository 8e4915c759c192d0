import fs, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

type Call = (this: unknown, ...args: unknown[]) => Promise<unknown>

/** The calls that change a disk: of `fs.promises`, and of an open file. */
const changes = ['link', 'mkdir', 'rename', 'rm', 'writeFile'] as const
const fileChanges = ['write', 'writeFile'] as const

export interface DiskFailure {
  readonly code: 'ENOSPC' | 'EDQUOT' | 'EFBIG' | 'EROFS' | 'EIO' | 'EMFILE'
  /** changes that still succeed; a full disk still accepts removals */
  readonly after?: number
  /** how many changes then fail; by default all of them */
  readonly times?: number
}

/** Makes changes of the disk fail in this process while `work` runs. */
export async function withFailingDisk<T>(failure: DiskFailure, work: () => Promise<T>): Promise<T> {
  const undo: (() => void)[] = []
  let seen = 0
  const isFailing = (): boolean => {
    const { after = 0, times = Infinity } = failure
    seen++
    return seen > after && seen <= after + times
  }
  const replace = (target: object, name: string, makes: (args: readonly unknown[]) => boolean): void => {
    const original = Reflect.get(target, name) as Call
    const failing: Call = function (...args) {
      if (makes(args) && isFailing()) return Promise.reject(systemError(failure.code, name, pathIn(args)))
      return original.apply(this, args)
    }
    Reflect.set(target, name, failing)
    undo.push(() => Reflect.set(target, name, original))
  }
  const isReadOnly = failure.code === 'EROFS'
  for (const name of changes) replace(fs, name, () => isReadOnly || name !== 'rm')
  replace(fs, 'open', ([, flags]) => typeof flags === 'string' && /[wax+]/.test(flags))
  const prototype = await fileHandlePrototype()
  for (const name of fileChanges) replace(prototype, name, () => true)
  syncBuiltinESMExports()
  try {
    return await work()
  } finally {
    for (const each of undo) each()
    syncBuiltinESMExports()
  }
}

/** An error as Node makes it from a code of the system. */
export function systemError(code: string, syscall: string, path?: string): NodeJS.ErrnoException {
  const where = path === undefined ? '' : ` '${path}'`
  return Object.assign(new Error(`${code}: the words of the system, ${syscall}${where}`), {
    code,
    errno: -1,
    syscall,
    ...(path !== undefined && { path }),
  })
}

/** Node names the path of a call; a write to an open file has none. */
function pathIn([path]: readonly unknown[]): string | undefined {
  return typeof path === 'string' ? path : undefined
}

async function fileHandlePrototype(): Promise<object> {
  const handle: FileHandle = await fs.open(join(tmpdir(), '.'), 'r')
  await handle.close()
  return Object.getPrototypeOf(handle) as object
}
