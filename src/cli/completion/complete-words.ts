import { readCommandLine, type CommandLineState, type WordsBeforeCursor } from './command-line-state.ts'
import type { KnownCommand, KnownFlag } from './command-list.ts'
import { completeName } from './complete-name.ts'
import { completeValue } from './complete-value.ts'
import { type Candidate, type Completion, type CompletionSources, nothing } from './completion.ts'
import { kindOfArgument, kindOfFlag } from './value-kinds.ts'

/** Completes the word at the cursor. Reads only what its kind of word needs. */
export async function completeWords(
  { before, current }: WordsBeforeCursor,
  commands: readonly KnownCommand[],
  sources: CompletionSources,
): Promise<Completion> {
  const state = readCommandLine(before, commands)
  if (state === undefined) return nothing
  const completion = await completeWord(current, state, commands, sources)
  const candidates = completion.candidates.filter(({ value }) => value.startsWith(current))
  return { ...completion, candidates }
}

async function completeWord(
  current: string,
  state: CommandLineState,
  commands: readonly KnownCommand[],
  sources: CompletionSources,
): Promise<Completion> {
  const { valueOf, canBeFlag, command } = state
  if (valueOf !== undefined) return await completeFlagValue(valueOf, current, state, commands, sources)
  if (canBeFlag && current.startsWith('-')) {
    const [name = '', ...value] = current.split('=')
    if (value.length === 0) return { candidates: listFlags(current, state) }
    const flag = state.flags.find((one) => name === `--${one.name}` && one.takesValue)
    if (flag === undefined) return nothing
    const found = await completeFlagValue(flag, value.join('='), state, commands, sources)
    const candidates = found.candidates.map((one) => ({ ...one, value: `${name}=${one.value}` }))
    return { ...found, candidates }
  }
  if (command === undefined) return { candidates: completeName(state.path, current, commands) }
  return await completeArgument(current, command, state, commands, sources)
}

async function completeFlagValue(
  flag: KnownFlag,
  current: string,
  state: CommandLineState,
  commands: readonly KnownCommand[],
  sources: CompletionSources,
): Promise<Completion> {
  const given = state.given.get(flag.name) ?? []
  const isNew = ({ value }: Candidate): boolean => !given.includes(value)
  if (flag.values.length > 0) return { candidates: flag.values.map((value) => ({ value })).filter(isNew) }
  const kind = kindOfFlag(state.command?.name, flag)
  const found = await completeValue(kind, current, state, commands, sources)
  return { ...found, candidates: found.candidates.filter(isNew) }
}

async function completeArgument(
  current: string,
  command: KnownCommand,
  state: CommandLineState,
  commands: readonly KnownCommand[],
  sources: CompletionSources,
): Promise<Completion> {
  const { positionals } = state
  const values = command.argumentValues[positionals.length] ?? []
  if (values.length > 0) return { candidates: values.map((value) => ({ value })) }
  const kind = kindOfArgument(command.name, positionals.length)
  if (kind === undefined) return nothing
  const found = await completeValue(kind, current, state, commands, sources)
  return { ...found, candidates: found.candidates.filter(({ value }) => !positionals.includes(value)) }
}

/** The flags that can still be given. Short ones only for a word of at most two letters. */
function listFlags(current: string, { flags, given, command, path }: CommandLineState): readonly Candidate[] {
  const isPossible = (flag: KnownFlag): boolean =>
    !flag.isHidden &&
    (flag.isRepeatable || !given.has(flag.name)) &&
    !flag.excludes.some((name) => given.has(name)) &&
    !flags.some(({ name, excludes }) => given.has(name) && excludes.includes(flag.name))
  const possible = flags
    .filter(isPossible)
    .flatMap(({ name, char, allowsNo, summary: description }) => [
      { value: `--${name}`, description },
      ...(allowsNo ? [{ value: `--no-${name}`, description }] : []),
      ...(char === undefined || current.length > 2 ? [] : [{ value: `-${char}`, description }]),
    ])
  const isFirstWord = command === undefined && path.length === 0
  return isFirstWord ? [...possible, { value: '--version', description: 'Show the version.' }] : possible
}
