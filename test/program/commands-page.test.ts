import { execFile } from 'node:child_process'
import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { tempFolder } from '../support/temp.ts'

const root = join(import.meta.dirname, '..', '..')
const page = join(root, 'docs', 'commands.md')

it('docs/commands.md is the output of npm run docs:commands', async () => {
  const copy = join(await tempFolder(), 'commands.md')
  await copyFile(page, copy)
  const oclif = join(root, 'node_modules', 'oclif', 'bin', 'run.js')
  const args = ['readme', '--readme-path', copy, '--no-source-links', '--no-aliases']
  await promisify(execFile)(process.execPath, [oclif, ...args], { cwd: root })
  expect(await readFile(copy, 'utf8')).toBe(await readFile(page, 'utf8'))
})
