import { Config } from '@oclif/core/config'
import { settings } from '@oclif/core/settings'
import { DrayError, toDrayError } from '../lib/errors.ts'
import { ioError, systemCode } from '../lib/files/io-error.ts'
import { reportError } from './command/report.ts'
import { createErrorDocument } from './command/result-document.ts'
import { fromOclif } from './command/usage-error.ts'
import { findCommand } from './dispatch/find-command.ts'
import { splitArguments, type SplitArguments } from './dispatch/split-arguments.ts'
import { chooseFormat, commonFormats, errorFormat, isDocument, requestedFormats } from './output/formats.ts'
import { loadDocumentPrinter } from './output/print-document.ts'

const helpFlags: ReadonlySet<string> = new Set(['--help', '-h'])

/** Runs the program. `args` are the arguments after `dray`. Never rejects. */
export async function main(args: readonly string[], root: string): Promise<void> {
  let isLeaving = false
  process.on('uncaughtException', (error) => {
    // If writing fails, the error cannot be written either.
    if (isLeaving) process.exit()
    isLeaving = true
    void reportAndLeave(error, args)
  })
  // The reader of the progress may leave; the change continues. oclif handles stdout.
  process.stderr.on('error', (error) => {
    if (systemCode(error) !== 'EPIPE') throw error
  })
  // Otherwise oclif searches TypeScript sources and compiles them.
  settings.enableAutoTranspile = false
  try {
    await route(args, root)
  } catch (error) {
    await report(error, args)
  }
}

async function route(args: readonly string[], root: string): Promise<void> {
  const config = await load(root)
  const command = findCommand(args, config)
  if (command !== undefined && !asksForHelp(args)) {
    await config.runCommand(command.id, command.rest)
    return
  }
  const split = splitArguments(args)
  const words = split.words.map(({ text }) => text)
  if (command === undefined && asksForVersion(split)) {
    await showVersion(args, split, config)
  } else if (
    asksForHelp(args) ||
    args.length === 0 ||
    (isTopic(words, config) && split.stoppedAt === undefined && requestedFormats(args).length === 0)
  ) {
    const { showHelp } = await import('./help/show-help.ts')
    await showHelp(args, config)
  } else {
    const { noCommand } = await import('./dispatch/unknown-command.ts')
    throw noCommand(split, config)
  }
}

function asksForVersion({ words, flags }: SplitArguments): boolean {
  const [first] = words
  return first === undefined ? flags.has('version') : first.text === 'version'
}

async function showVersion(
  args: readonly string[],
  { words, stoppedAt }: SplitArguments,
  config: Config,
): Promise<void> {
  const unexpected = words[1]?.text ?? stoppedAt
  if (unexpected !== undefined)
    throw new DrayError('usage', `unexpected argument: ${unexpected}`, { hint: 'See "dray --help".' })
  const format = chooseFormat(args, 'version', commonFormats)
  if (!isDocument(format)) return void process.stdout.write(`${config.userAgent}\n`)
  const { createResultDocument } = await import('./command/result-document.ts')
  const { version, platform, arch } = config
  const result = { version, platform: `${platform}-${arch}`, node: process.version }
  const print = await loadDocumentPrinter(format)
  process.stdout.write(print(createResultDocument('version', true, result, [])))
}

function isTopic(words: readonly string[], config: Config): boolean {
  return config.findTopic(words.join(':')) !== undefined
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  const before = end < 0 ? args : args.slice(0, end)
  return before.some((arg) => helpFlags.has(arg)) || splitArguments(before).flags.has('help')
}

async function load(root: string): Promise<Config> {
  return await Config.load({ root, userPlugins: false, devPlugins: false })
}

/** Shows an error that no command has shown. */
async function report(thrown: unknown, args: readonly string[]): Promise<void> {
  const error = toDrayError(fromOclif(thrown))
  const format = errorFormat(args)
  if (isDocument(format)) {
    const print = await loadDocumentPrinter(format)
    process.stdout.write(print(createErrorDocument('', error, [])))
  }
  await reportError(error, { quiet: isDocument(format) })
}

/** After an uncaught error the state is unknown, so the process ends. */
async function reportAndLeave(thrown: unknown, args: readonly string[]): Promise<void> {
  // Only failed writes of a standard stream have no handler: the disk is full.
  const isOutput = thrown instanceof Error && 'syscall' in thrown && thrown.syscall === 'write'
  if (isOutput)
    await reportError(toDrayError(ioError(thrown, 'cannot write the output', '')), { quiet: false })
  else await report(thrown, args)
  process.exit()
}
