import { DrayError } from '../../lib/errors.ts'
import { findNearest } from '../../lib/nearest.ts'
import { aliases, findCommand } from './find-command.ts'
import { isTopic } from '../program/topics.ts'
import { globalNames, type SplitArguments } from './split-arguments.ts'

const listCommands = '"dray --help" lists the commands.'

/** Words of other tools, with the command that does the same or comes nearest. */
const otherWords: Readonly<Record<string, string>> = {
  tags: 'ls',
  'list-tags': 'ls',
  init: 'config init',
  new: 'config init',
  validate: 'config validate',
  lint: 'config validate',
  schema: 'config schema',
  delete: 'prune',
  remove: 'prune',
  rm: 'prune',
  rmi: 'prune',
  gc: 'prune',
  clean: 'prune',
  cleanup: 'prune',
  purge: 'prune',
  untag: 'prune',
  sync: 'copy',
  mirror: 'copy',
  push: 'copy',
  pull: 'copy',
  upload: 'copy',
  download: 'copy',
  retag: 'tag',
  release: 'promote',
  deploy: 'promote',
  move: 'promote',
  mv: 'promote',
  revert: 'rollback',
  undo: 'rollback',
  manifest: 'inspect',
  digest: 'inspect',
  describe: 'inspect',
  show: 'plan show',
  execute: 'apply',
  compare: 'diff',
  why: 'explain',
  log: 'audit log',
  logs: 'audit log',
  verify: 'audit verify',
  export: 'audit export',
  whoami: 'auth explain',
  ping: 'doctor',
  check: 'doctor',
  registry: 'serve',
  autocomplete: 'completion',
}

/**
 * The error for arguments that name no command.
 * @param ids of the commands, such as `plan:show`
 */
export function noCommand(split: SplitArguments, ids: readonly string[]): DrayError {
  const { words, values, stoppedAt } = split
  const taken = values.find(({ value }) => findCommand([value], (id) => ids.includes(id)) !== undefined)
  if (taken !== undefined) {
    return new DrayError('usage', `${taken.flag} takes a value, and "${taken.value}" is its value here`, {
      hint: `Write the value before the command: dray ${taken.flag} VALUE ${taken.value}.`,
    })
  }
  const texts = words.map(({ text }) => text)
  const isOfTopic = isTopic(texts.join(':'))
  if (isOfTopic && stoppedAt === undefined) return noCommandOf(texts.join(' '), ids)
  if (words.length > 0 && !isOfTopic) return unknownCommand(texts, ids)
  if (stoppedAt === undefined) return new DrayError('usage', 'a command is missing', { hint: listCommands })
  return unknownFlag(stoppedAt)
}

/** The error for a topic alone, if the caller expects a document instead of help. */
function noCommandOf(topic: string, ids: readonly string[]): DrayError {
  const inTopic = namesOf(ids).filter((name) => name.startsWith(`${topic} `))
  return new DrayError('usage', `a command of dray ${topic} is missing`, {
    hint: `The commands are ${inTopic.join(', ')}.`,
  })
}

/** The error for words that name no command. */
export function unknownCommand(words: readonly string[], ids: readonly string[]): DrayError {
  const [first = '', second] = words
  const isOfTopic = isTopic(first) && second !== undefined
  const given = isOfTopic ? `${first} ${second}` : first
  return new DrayError('usage', `${JSON.stringify(given)} is not a command of dray`, {
    hint: [...suggest(given, isOfTopic ? first : undefined, ids), listCommands].join(' '),
  })
}

/** @param topic the commands of this topic come first */
function suggest(given: string, topic: string | undefined, ids: readonly string[]): readonly string[] {
  const commands = namesOf(ids)
  const other = otherWords[given.toLowerCase()]
  const near =
    other !== undefined && commands.includes(other)
      ? [other]
      : [
          ...new Set(
            findNearest(given, [...commands, ...Object.keys(aliases)], 3).map((one) => aliases[one] ?? one),
          ),
        ]
  if (near.length > 0) return [`Did you mean ${near.map((name) => `"dray ${name}"`).join(' or ')}?`]
  const inTopic = topic === undefined ? [] : commands.filter((one) => one.startsWith(`${topic} `))
  if (inTopic.length > 0) return [`The commands are ${inTopic.join(', ')}.`]
  // A command of a topic that was written without the topic: "show" of "plan show".
  const last = commands.filter((one) => one.split(' ').at(-1) === given)
  return last.length === 0 ? [] : [`Did you mean ${last.map((name) => `"dray ${name}"`).join(' or ')}?`]
}

function namesOf(ids: readonly string[]): readonly string[] {
  return ids.map((id) => id.replaceAll(':', ' '))
}

/** A flag before the command, which is none of the global ones. */
function unknownFlag(flag: string): DrayError {
  const [name = ''] = flag.replace(/^-+/, '').split('=')
  if (flag.startsWith('--') && globalNames[name] === true)
    return new DrayError('usage', `${flag} needs a value`, { hint: `dray ${flag} VALUE COMMAND` })
  const near = name.length < 2 ? [] : findNearest(name, Object.keys(globalNames), 1)
  return new DrayError('usage', `${flag} is not a global flag`, {
    hint:
      near.length > 0
        ? `Did you mean "--${near.join('')}"?`
        : 'Write flags of a command after the command: dray COMMAND --flag.',
  })
}
