import fs, { readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, join } from 'node:path'
import type { AuditRecord } from '../../src/audit/log/record.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { toErrorInfo } from '../../src/lib/errors.ts'

/**
 * The script of a process that appends to a log, and may kill itself with SIGKILL just before its
 * `killAt`-th operation that changes a file. It prints `ack ID` for every written record, then
 * `ops` and the names of all operations, or `failed` and the error. Its argument is a file with its
 * task. With `copies`, it lives on and keeps the folder as each kill would leave it.
 */
export interface WriterTask {
  readonly path: string
  /** groups of records, of which each is written at once */
  readonly groups: readonly (readonly AuditRecord[])[]
  /** from 1; 0 for no kill */
  readonly killAt: number
  /** the share of the data that a killed write has written, from 0 to 1 */
  readonly written: number
  /** the speed of the clock; with 0 it advances only by sleeping */
  readonly speed: number
  /** gets a copy of the folder before each operation, `N-SHARE`: a kill there leaves these files */
  readonly copies?: string
}

type Operation = (...args: unknown[]) => Promise<unknown>

// What this script does itself is no operation on the log.
const { closeSync, cpSync, fstatSync, openSync, readdirSync, statSync, writeSync } = fs

const task = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as WriterTask
const operations: string[] = []

function die(): never {
  process.kill(process.pid, 'SIGKILL')
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

/** The shares of the data that a killed write has written. */
const shares = [0, 0.1, 0.5, 0.95]

/** Copies the folder, for a write once for each share of the data that it may have written. */
function keepCopies(fd: number | undefined, args: readonly unknown[]): void {
  if (task.copies === undefined) return
  const folder = dirname(task.path)
  for (const share of fd === undefined ? [0] : shares) {
    const copy = join(task.copies, `${operations.length}-${share}`)
    cpSync(folder, copy, { recursive: true })
    const [bytes, offset, length] = args
    if (fd === undefined || !(bytes instanceof Uint8Array)) continue
    const { ino } = fstatSync(fd)
    const name = readdirSync(folder).find((one) => statSync(join(folder, one)).ino === ino)
    if (name === undefined) throw new Error('the file of the write is not in the folder')
    const start = Number(offset)
    const end = start + Math.floor(Number(length) * share)
    const file = openSync(join(copy, name), 'a')
    writeSync(file, bytes, start, end - start)
    closeSync(file)
  }
}

/** Counts the operations that change files. */
function watch(holder: Record<string, Operation>, names: readonly string[]): void {
  for (const name of names) {
    const real = holder[name]
    if (real === undefined) throw new Error(`there is no ${name}`)
    holder[name] = async function counted(this: { readonly fd?: number } | undefined, ...args: unknown[]) {
      const count = operations.push(name)
      keepCopies(name === 'write' ? this?.fd : undefined, args)
      if (count === task.killAt) {
        if (this?.fd !== undefined && name === 'write') writePart(this.fd, args)
        die()
      }
      return real.apply(this, args)
    }
  }
}

/** Counts the calls for locks, which are synchronous. */
function watchSync(names: readonly (keyof typeof fs)[]): void {
  const holder = fs as unknown as Record<string, (...args: unknown[]) => unknown>
  for (const name of names) {
    const real = holder[name]
    if (real === undefined) throw new Error(`there is no ${name}`)
    holder[name] = (...args) => {
      const count = operations.push(name)
      keepCopies(undefined, args)
      if (count === task.killAt) die()
      return real(...args)
    }
  }
}

function writePart(fd: number, [bytes, offset, length]: readonly unknown[]): void {
  if (bytes instanceof Uint8Array)
    writeSync(fd, bytes, Number(offset), Math.floor(Number(length) * task.written))
}

async function watchFiles(): Promise<void> {
  const promises = fs.promises as unknown as Record<string, Operation>
  const handle = await fs.promises.open(import.meta.filename, 'r')
  const methods = Object.getPrototypeOf(handle) as Record<string, Operation>
  await handle.close()
  watch(promises, ['open', 'mkdir', 'rename', 'link', 'rm', 'utimes'])
  watch(methods, ['write', 'writeFile', 'truncate', 'datasync', 'sync', 'utimes'])
  watchSync(['openSync', 'writeSync', 'futimesSync', 'linkSync', 'unlinkSync', 'renameSync'])
  syncBuiltinESMExports()
}

function fastClock(speed: number): Clock {
  const start = Date.UTC(2026, 0, 1)
  return {
    now: () => start + (Date.now() - start) * speed,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, ms / speed)
        const leave = (): void => {
          clearTimeout(timer)
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's reason
          reject(signal.reason)
        }
        signal.addEventListener('abort', leave, { once: true })
      }),
  }
}

await watchFiles()
const { openLog, waitingClock } = await import('./audit-log.ts')
const log = openLog(task.path, task.speed === 0 ? waitingClock() : fastClock(task.speed))
try {
  for (const group of task.groups) {
    await log.write(group)
    writeSync(1, group.map(({ id }) => `ack ${id}\n`).join(''))
  }
} catch (error) {
  writeSync(1, `failed ${JSON.stringify(toErrorInfo(error))}\n`)
}
await log.close()
writeSync(1, `ops ${operations.join()}\n`)
