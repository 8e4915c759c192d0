import { describe, expect, it } from 'vitest'
import { usageOf } from '../../../src/cli/command/usage-error.ts'
import { commonFormats } from '../../../src/cli/output/formats.ts'
import { commands } from '../../../src/cli/program/commands.ts'

/** The formats beside text, json and yaml (the table of the page on output). */
const further: Readonly<Record<string, readonly string[]>> = {
  apply: ['name', 'digest'],
  approve: ['name', 'digest'],
  'audit log': ['jsonl'],
  'bundle apply': ['name', 'digest'],
  check: ['jsonl', 'name', 'digest'],
  copy: ['name', 'digest'],
  diff: ['jsonl'],
  'gitops diff': ['jsonl'],
  'gitops pin': ['jsonl'],
  'gitops update': ['name', 'digest'],
  history: ['jsonl'],
  hold: ['name', 'digest'],
  inspect: ['name', 'digest'],
  ls: ['jsonl', 'name', 'digest'],
  promote: ['name', 'digest'],
  prune: ['name', 'digest'],
  rollback: ['name', 'digest'],
  status: ['jsonl'],
  sync: ['name', 'digest'],
  tag: ['name', 'digest'],
  usage: ['jsonl', 'name'],
  watch: ['jsonl'],
}

describe('--output of every command', () => {
  it.each(Object.entries(commands).map(([id, load]) => [id.replaceAll(':', ' '), load] as const))(
    'has the formats that fit the result: %s',
    async (name, load) => {
      const { default: command } = await load()
      const { formats } = usageOf(name, { ...command.baseFlags, ...command.flags })
      expect(formats).toEqual([...commonFormats, ...(further[name] ?? [])])
    },
  )
})
