import { DrayError, toDrayError } from '../lib/errors.ts'
import { ioError, systemCode } from '../lib/files/io-error.ts'
import { reportError } from './command/report.ts'
import { createErrorDocument } from './command/result-document.ts'
import { fromOclif } from './command/usage-error.ts'
import { findCommand } from './dispatch/find-command.ts'
import { asksForHelp } from './dispatch/help-flags.ts'
import { splitArguments, type SplitArguments } from './dispatch/split-arguments.ts'
import { chooseFormat, commonFormats, errorFormat, isDocument, requestedFormats } from './output/formats.ts'
import { loadDocumentPrinter } from './output/print-document.ts'
import { version } from './program/about.ts'
import { isCommand } from './program/command-ids.ts'
import { commands } from './program/commands.ts'
import { hostVersion } from './program/host.ts'
import { prepareEnvironment } from './program/prepare-environment.ts'
import type { ProgramInfo } from './program/program-info.ts'
import { isTopic } from './program/topics.ts'

const platform = `${process.platform}-${process.arch}`

const program: ProgramInfo = {
  manifest: async () => await (await import('./program/manifest.ts')).readManifest(),
}

/** Runs the program. `args` are the arguments after `dray`. Never rejects. */
export async function main(args: readonly string[]): Promise<void> {
  prepareEnvironment(process.env)
  if (args[0] === '__complete') {
    const { complete } = await import('./completion/complete.ts')
    await complete(args.slice(1))
    return
  }
  let isLeaving = false
  process.on('uncaughtException', (error) => {
    // If writing fails, the error cannot be written either.
    if (isLeaving) process.exit()
    isLeaving = true
    void reportAndLeave(error, args)
  })
  // The reader of the result or of the progress may leave; the change continues.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (systemCode(error) !== 'EPIPE') throw error
    })
  }
  try {
    await route(args)
  } catch (error) {
    await report(error, args)
  }
}

async function route(args: readonly string[]): Promise<void> {
  const found = findCommand(args, isCommand)
  const load = found && commands[found.id]
  if (found !== undefined && load !== undefined && !asksForHelp(args)) {
    const { default: Command } = await load()
    await new Command({ id: found.id, argv: found.rest, program }).execute()
    return
  }
  const split = splitArguments(args)
  const words = split.words.map(({ text }) => text)
  if (found === undefined && asksForVersion(split)) {
    await showVersion(args, split)
  } else if (
    asksForHelp(args) ||
    args.length === 0 ||
    (isTopic(words.join(':')) && split.stoppedAt === undefined && requestedFormats(args).length === 0)
  ) {
    const { showHelp } = await import('./help/show-help.ts')
    await showHelp(args, program)
  } else {
    const { noCommand } = await import('./dispatch/unknown-command.ts')
    throw noCommand(split, Object.keys(commands))
  }
}

function asksForVersion({ words, flags }: SplitArguments): boolean {
  const [first] = words
  return first === undefined ? flags.has('version') : first.text === 'version'
}

async function showVersion(args: readonly string[], { words, stoppedAt }: SplitArguments): Promise<void> {
  const unexpected = words[1]?.text ?? stoppedAt
  if (unexpected !== undefined)
    throw new DrayError('usage', `unexpected argument: ${unexpected}`, { hint: 'See "dray --help".' })
  const format = chooseFormat(args, 'version', commonFormats)
  if (!isDocument(format)) return void process.stdout.write(`dray/${version} ${platform} ${hostVersion()}\n`)
  const { createResultDocument } = await import('./command/result-document.ts')
  const result = { version, platform, host: hostVersion(), node: process.version }
  const print = await loadDocumentPrinter(format)
  process.stdout.write(print(createResultDocument('version', true, result, [])))
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
