import type { CommandSource } from '../help/command-help.ts'

/** The program that runs a command. */
export interface ProgramInfo {
  /** Describes all commands, in the order of their ids, and loads none. */
  readonly manifest: () => Promise<readonly CommandSource[]>
}
