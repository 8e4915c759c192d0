import { readFileSync, statfsSync } from 'node:fs'

/** bytes that must be free */
const needed = 4 * 1024 ** 3

/**
 * The folder of Linux in memory; undefined if the system has none, if it is small, or if its files
 * cannot be executed, as in a container of Docker.
 */
export function memoryFolder(): string | undefined {
  const folder = '/dev/shm'
  try {
    const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
    const options = mounts.map((line) => line.split(' ')).findLast(([, place]) => place === folder)?.[3]
    if (options === undefined || /\b(?:noexec|ro)\b/.test(options)) return undefined
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize >= needed ? folder : undefined
  } catch {
    return undefined
  }
}
