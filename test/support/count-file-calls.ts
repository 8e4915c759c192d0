import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const counted = {
  promises: ['link', 'lstat', 'mkdir', 'open', 'readdir', 'realpath', 'rename', 'rm', 'stat'],
  sync: ['lstatSync', 'mkdirSync', 'openSync', 'statSync'],
} as const

type Call = (this: unknown, ...args: unknown[]) => unknown

/**
 * Counts the calls of the file system that `work` makes, and the names that it lists, so that a
 * test of the growth of a storage needs no clock.
 */
export async function countFileCalls(work: () => Promise<unknown>): Promise<number> {
  let count = 0
  const undo: (() => void)[] = []
  const replace = (target: object, name: string): void => {
    const original = Reflect.get(target, name) as Call
    const counting: Call = function (...args) {
      count += 1
      const result = original.apply(this, args)
      if (name !== 'readdir') return result
      return (result as Promise<readonly unknown[]>).then((names) => {
        count += names.length
        return names
      })
    }
    Reflect.set(target, name, counting)
    undo.push(() => Reflect.set(target, name, original))
  }
  for (const name of counted.promises) replace(fs.promises, name)
  for (const name of counted.sync) replace(fs, name)
  syncBuiltinESMExports()
  try {
    await work()
  } finally {
    for (const each of undo) each()
    syncBuiltinESMExports()
  }
  return count
}
