import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { collectNotices } from '../../../scripts/release/notices.ts'
import { tempFolder } from '../../support/temp.ts'

/** Installs a package. Returns one of its modules. */
async function install(about: object, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = join(await tempFolder(), 'node_modules', '@acme', 'thing')
  mkdirSync(folder, { recursive: true })
  const all = {
    ...files,
    'package.json': JSON.stringify({ name: '@acme/thing', version: '1.0.0', ...about }),
  }
  for (const [name, text] of Object.entries(all)) writeFileSync(join(folder, name), text)
  return join(folder, 'lib', 'index.js')
}

it('a package is listed once, with its licence and its notice', async () => {
  const files = { 'LICENSE.md': 'Permission\r\nis granted\n', NOTICE: 'By Acme' }
  const module = await install({ license: 'MIT' }, files)
  expect(collectNotices([module, `\0${module}?commonjs`, '/home/ada/dray/src/cli/main.ts'])).toEqual([
    { name: '@acme/thing', version: '1.0.0', license: 'MIT', text: 'Permission\nis granted\n\nBy Acme' },
  ])
})

it.each([
  ['no licence text', { license: 'MIT' }, {}, 'has no licence text'],
  ['an empty licence text', { license: 'MIT' }, { LICENSE: ' \n' }, 'has no licence text'],
  ['a licence that is not allowed', { license: 'GPL-3.0' }, { LICENSE: 'x' }, 'is not allowed'],
  ['no licence', {}, { LICENSE: 'x' }, 'is not allowed'],
])('a package with %s fails the build', async (_, about, files, message) => {
  const module = await install(about, files)
  expect(() => collectNotices([module])).toThrow(message)
})
