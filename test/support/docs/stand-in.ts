import type { Oracle, ServedManifest } from '../oracle.ts'

/** An image that a command names, in the registry of the page. */
export interface NamedImage {
  readonly oracle: Oracle
  readonly repository: string
  readonly manifest: ServedManifest
}

export interface StandInPorts {
  readonly cwd: string
  readonly imageOf: (reference: string) => Promise<NamedImage>
}

/** A program that the pages use. It returns what it prints, and throws if the command is wrong. */
export type StandIn = (args: readonly string[], ports: StandInPorts) => Promise<string>
