import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The architectures of the image, by their names in Go and Debian, which are equal. */
export const architectures = ['amd64', 'arm64'] as const
export type Architecture = (typeof architectures)[number]

/** One binary package of Debian. Its file is verified by size and digest. */
export interface Pin {
  readonly name: string
  readonly version: string
  readonly architecture: Architecture | 'all'
  readonly source: string
  readonly sourceVersion: string
  /** `debian` or `debian-security` */
  readonly archive: string
  /** the path of the file in the archive */
  readonly path: string
  /** bytes */
  readonly size: number
  /** hex digits */
  readonly sha256: string
}

export interface Pins {
  /** the release of Debian by its number: 13 */
  readonly release: string
  /** when the pins were read: the name of a state of the archive at snapshot.debian.org */
  readonly snapshot: string
  readonly packages: readonly Pin[]
}

export const pinsFile: string = join(import.meta.dirname, 'pins.json')

export function readPins(): Pins {
  return JSON.parse(readFileSync(pinsFile, 'utf8')) as Pins
}

/** The packages of the image for one architecture, sorted by name. */
export function pinsFor({ packages }: Pins, architecture: Architecture): readonly Pin[] {
  return packages
    .filter((pin) => pin.architecture === architecture || pin.architecture === 'all')
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}
