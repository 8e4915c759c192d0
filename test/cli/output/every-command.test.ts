import { globSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from '@oclif/core/command'
import { describe, expect, it } from 'vitest'
import { usageOf } from '../../../src/cli/command/usage-error.ts'
import { commonFormats } from '../../../src/cli/output/formats.ts'

const folder = join(import.meta.dirname, '..', '..', '..', 'src', 'commands')

/** The formats beside text, json and yaml (the table of the page on output). */
const further: Readonly<Record<string, readonly string[]>> = {
  apply: ['name', 'digest'],
  approve: ['name', 'digest'],
  'audit log': ['jsonl'],
  check: ['jsonl', 'name', 'digest'],
  copy: ['name', 'digest'],
  diff: ['jsonl'],
  history: ['jsonl'],
  hold: ['name', 'digest'],
  inspect: ['name', 'digest'],
  ls: ['jsonl', 'name', 'digest'],
  promote: ['name', 'digest'],
  prune: ['name', 'digest'],
  rollback: ['name', 'digest'],
  status: ['jsonl'],
  tag: ['name', 'digest'],
}

describe('--output of every command', () => {
  const files = globSync('**/*.ts', { cwd: folder })

  it.each(files.map((file) => [file.replace(/\.ts$/, '').replaceAll(/[\\/]/g, ' '), file]))(
    'has the formats that fit the result: %s',
    async (name, file) => {
      const { default: command } = (await import(join(folder, file))) as { default: Command.Class }
      const { formats } = usageOf(name, { ...command.baseFlags, ...command.flags })
      expect(formats).toEqual([...commonFormats, ...(further[name] ?? [])])
    },
  )
})
