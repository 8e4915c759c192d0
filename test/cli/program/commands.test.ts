import { globSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { isCommand } from '../../../src/cli/program/command-ids.ts'
import { commands } from '../../../src/cli/program/commands.ts'
import { topics } from '../../../src/cli/program/topics.ts'

const folder = join(import.meta.dirname, '../../../src/commands')

it('each file of a command is in the table under its id, and no other one', async () => {
  const files = globSync('**/*.ts', { cwd: folder })
  const idOf = (file: string): string => file.replace(/\.ts$/, '').replaceAll(/[\\/]/g, ':')
  expect(Object.keys(commands)).toEqual(files.map(idOf).toSorted())
  for (const file of files) {
    const { default: expected } = (await import(join(folder, file))) as { default: unknown }
    expect(await commands[idOf(file)]?.()).toHaveProperty('default', expected)
  }
})

it('the first words of commands with two words are topics', () => {
  const first = Object.keys(commands).flatMap((id) => (id.includes(':') ? [id.split(':')[0]] : []))
  expect(new Set(Object.keys(topics))).toEqual(new Set(first))
})

it('a property that every object has is no command', () => {
  expect(['constructor', 'toString', '__proto__'].filter(isCommand)).toEqual([])
})
