import { dirname } from 'node:path'
import { Config } from '@oclif/core/config'
import { settings } from '@oclif/core/settings'
import { DrayError, toDrayError } from '../lib/errors.ts'
import { ioError, systemCode } from '../lib/files/io-error.ts'
import { reportError } from './command/report.ts'
import { asksForJson, createErrorDocument, printDocument } from './command/result-document.ts'
import { fromOclif, unknownCommand } from './command/usage-error.ts'

/** oclif loads them from their packages, for their commands. */
const plugins = ['@oclif/plugin-autocomplete']
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
  // dray always verifies certificates. Node would warn that TLS is not secure.
  delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  // Otherwise oclif searches TypeScript sources and compiles them.
  settings.enableAutoTranspile = false
  try {
    await route(args, root)
  } catch (error) {
    await report(error, args)
  }
}

async function route(args: readonly string[], root: string): Promise<void> {
  const bare = await load(root, [])
  const known = commandIn(args, bare)
  if (known !== undefined && !asksForHelp(args)) {
    await bare.runCommand(known.id, known.rest)
    return
  }
  // Only these cases need the commands of plugins. Reading their manifests takes 4 ms.
  const config = await load(root, plugins)
  const command = commandIn(args, config)
  const subject = leadingWords(args)
  if (args[0] === '--version') {
    process.stdout.write(`${config.userAgent}\n`)
  } else if (asksForHelp(args)) {
    await showHelp(args, config)
  } else if (command !== undefined) {
    await setPluginFolder(config)
    await config.runCommand(command.id, command.rest)
  } else if (args.length === 0 || (subject.length === 1 && isTopic(subject, config))) {
    await showHelp(args, config)
  } else if (subject.length === 0) {
    throw new DrayError('usage', `dray has no flag ${args[0]}`, {
      hint: 'Flags stand behind a command: "dray --help" lists the commands.',
    })
  } else {
    throw unknownCommand(subject, config)
  }
}

/**
 * The completion plugin writes scripts to the cache folder, and the user's shell runs them. oclif
 * also accepts a relative XDG_CACHE_HOME and checks no folder. The plugin has its own copy of
 * oclif, so a variable passes the folder.
 */
async function setPluginFolder(config: Config): Promise<void> {
  const { findPrivateFolder } = await import('./wiring/private-folders.ts')
  const folder = findPrivateFolder('cache', ['autocomplete'], process.env, { create: true })
  process.env[config.scopedEnvVarKey('CACHE_DIR')] = dirname(folder)
}

/** The longest sequence of leading words that names a command, and the arguments after it. */
function commandIn(args: readonly string[], config: Config): { id: string; rest: string[] } | undefined {
  for (let words = leadingWords(args).length; words > 0; words--) {
    const id = args.slice(0, words).join(':')
    if (config.findCommand(id) !== undefined) return { id, rest: args.slice(words) }
  }
  return undefined
}

/** The leading words that may name a command, at most three. */
function leadingWords(args: readonly string[]): readonly string[] {
  const end = args.findIndex((arg) => arg.startsWith('-'))
  return args.slice(0, Math.min(end < 0 ? args.length : end, 3))
}

function isTopic(words: readonly string[], config: Config): boolean {
  return config.findTopic(words.join(':')) !== undefined
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return (end < 0 ? args : args.slice(0, end)).some((arg) => helpFlags.has(arg))
}

async function showHelp(args: readonly string[], config: Config): Promise<void> {
  const help = await import('./help/show-help.ts')
  await help.showHelp(args, config)
}

async function load(root: string, core: string[]): Promise<Config> {
  return await Config.load({ root, userPlugins: false, devPlugins: false, pluginAdditions: { core } })
}

/** Shows an error that no command has shown. */
async function report(thrown: unknown, args: readonly string[]): Promise<void> {
  const error = toDrayError(fromOclif(thrown))
  const json = asksForJson(args)
  if (json) process.stdout.write(printDocument(createErrorDocument('', error, [])))
  await reportError(error, { quiet: json })
}

/** After an uncaught error the state is unknown, so the process ends. */
async function reportAndLeave(thrown: unknown, args: readonly string[]): Promise<void> {
  // Only failed writes of a standard stream have no handler: the disk is full.
  const isOutput = thrown instanceof Error && 'syscall' in thrown && thrown.syscall === 'write'
  if (isOutput)
    await reportError(toDrayError(ioError(thrown, 'the output cannot be written', '')), { quiet: false })
  else await report(thrown, args)
  process.exit()
}
