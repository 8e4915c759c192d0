import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { readFileSync } from 'node:fs'
import { findNode, isInRange } from '../../action/find-node.ts'
import { tempFolder } from '../support/temp.ts'

const file = join(import.meta.dirname, '..', '..', 'package.json')
const { engines } = JSON.parse(readFileSync(file, 'utf8')) as { engines: { node: string } }
const old = { version: '24.4.1', path: '/runner/externals/node24/bin/node' }

/** A folder with a program `node` that reports this version. */
async function folderWithNode(version: string): Promise<string> {
  const folder = await tempFolder()
  const node = join(folder, 'node')
  await writeFile(node, `#!/bin/sh\necho '{"version":"${version}","path":"${node}"}'\n`)
  await chmod(node, 0o755)
  return folder
}

afterEach(() => void vi.unstubAllEnvs())

describe('the Node of the action', () => {
  it.each([
    ['24.14.9', false],
    ['24.15.0', true],
    ['24.21.0', true],
    ['25.9.0', false],
    ['v26.0.0', true],
    ['27.1.0', true],
    ['20.19.0', false],
  ])('%s in the range of package.json: %s', (version, expected) => {
    expect(isInRange(version, engines.node)).toBe(expected)
  })

  it('is that of the runner if it is new enough', () => {
    const own = { ...old, version: '24.15.0' }
    expect(findNode(own, engines.node, '/')).toBe(own.path)
  })

  it('is the one on the PATH if that of the runner is too old', async () => {
    const folder = await folderWithNode('26.1.0')
    vi.stubEnv('PATH', folder)
    expect(findNode(old, engines.node, '/')).toBe(join(folder, 'node'))
  })

  it.each([
    ['too old', '24.14.0', 'the PATH has Node 24.14.0'],
    ['missing', undefined, 'the PATH has no Node'],
  ])('is an error with the step to add if the other is %s', async (_, version, why) => {
    vi.stubEnv('PATH', version === undefined ? await tempFolder() : await folderWithNode(version))
    expect(() => findNode(old, engines.node, '/')).toThrowError(
      expect.objectContaining({
        code: 'unsupported',
        why: expect.stringContaining(why),
        hint: expect.stringMatching(/uses: actions\/setup-node@v\d+\n.*node-version: 24/),
      }),
    )
  })
})
