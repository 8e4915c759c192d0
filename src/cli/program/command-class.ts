import { parse } from '@oclif/core/parser'
import type { ArgInput, FlagInput, Input, OutputArgs, OutputFlags, ParserOutput } from '@oclif/core/parser'
import type { Example } from '../help/command-help.ts'
import type { ProgramInfo } from './program-info.ts'

/** The input of a command. */
export interface CommandCall {
  /** with colons: `plan:show` */
  readonly id: string
  /** the arguments after the name of the command */
  readonly argv: readonly string[]
  readonly program: ProgramInfo
}

/** The class of a command: its static text, its arguments and flags, and how to run it. */
export interface CommandClass {
  new (call: CommandCall): Command
  readonly summary: string
  readonly description: string
  readonly examples: readonly Example[]
  readonly usage?: string | readonly string[]
  readonly args: ArgInput
  readonly flags: FlagInput
  readonly baseFlags: FlagInput
  readonly strict: boolean
}

/** A command of the program. The parser of oclif reads its arguments. */
export abstract class Command {
  static summary = ''
  static description = ''
  static examples: readonly Example[] = []
  static usage?: string | readonly string[]
  static args: ArgInput = {}
  static flags: FlagInput = {}
  /** the flags of every command */
  static baseFlags: FlagInput = {}
  /** whether an argument that `args` does not name is an error */
  static strict = true

  protected readonly id: string
  protected readonly argv: readonly string[]
  protected readonly program: ProgramInfo

  constructor({ id, argv, program }: CommandCall) {
    this.id = id
    this.argv = argv
    this.program = program
  }

  /** Runs the command, and shows its errors. */
  async execute(): Promise<void> {
    try {
      await this.init()
      await this.run()
    } catch (error) {
      await this.showError(error)
    } finally {
      await this.end()
    }
  }

  protected abstract run(): Promise<void>

  /** Prepares the run before the arguments are parsed. */
  protected async init(): Promise<void> {}

  protected abstract showError(thrown: unknown): Promise<void>

  protected abstract end(): Promise<void>

  protected get ctor(): CommandClass {
    return this.constructor as unknown as CommandClass
  }

  protected async parse<
    F extends OutputFlags<FlagInput>,
    B extends OutputFlags<FlagInput>,
    A extends OutputArgs<ArgInput>,
  >(options: Input<F, B, A>): Promise<ParserOutput<F, B, A>> {
    const flags = { ...options.baseFlags, ...options.flags }
    return await parse([...this.argv], { context: this, ...options, flags } as Input<F, B, A>)
  }
}
