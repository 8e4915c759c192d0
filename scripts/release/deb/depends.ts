import { execFileSync } from 'node:child_process'

/** The libraries of glibc, which Debian has in the package libc6. */
const ofGlibc = /^(?:lib(?:c|m|pthread|dl|rt|util|resolv)\.so\.\d+|ld-linux[\w-]*\.so\.\d+)$/
/** The first release of Debian with both architectures of dray has this glibc. */
const least = '2.17'

/** The field `Depends` for a binary. @throws Error if it needs a library of an unknown package. */
export function dependsOf(binary: string): string {
  return dependsFrom(execFileSync('readelf', ['-dVW', binary], { encoding: 'utf8', maxBuffer: 1 << 26 }))
}

/** @param dump the output of `readelf -dV` */
export function dependsFrom(dump: string): string {
  const needed = [...dump.matchAll(/\(NEEDED\)[^[]*\[([^\]]+)\]/g)].map(([, name = '']) => name)
  if (needed.length === 0) return ''
  const unknown = needed.filter((name) => !ofGlibc.test(name))
  if (unknown.length > 0) throw new Error(`no known package has ${unknown.join(', ')}`)
  const versions = [...dump.matchAll(/\bName: GLIBC_(\d+(?:\.\d+)+)/g)].map(([, version = '']) => version)
  return `libc6 (>= ${[least, ...versions].toSorted(compareVersions).at(-1)})`
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number)) as [number[], number[]]
  const index = left.findIndex((part, i) => part !== (right[i] ?? 0))
  return index === -1 ? left.length - right.length : (left[index] ?? 0) - (right[index] ?? 0)
}
