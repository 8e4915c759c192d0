import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import type { ErrorInfo } from '../../src/lib/errors.ts'
import { tempFolder } from '../support/temp.ts'

it('a process without a free file says so, and how to raise the limit, wherever it needs one', async () => {
  const script = join(import.meta.dirname, '../support/without-open-files.ts')
  const limited = ['-c', 'ulimit -n 64; exec "$0" "$@"', process.execPath, script, await tempFolder()]
  const { stdout } = await promisify(execFile)('sh', limited)
  const errors = JSON.parse(stdout) as Readonly<Record<string, ErrorInfo>>
  expect(Object.entries(errors).map(([name, { code }]) => [name, code])).toEqual([
    ['connection', 'network'],
    ['name lookup', 'network'],
    ['helper', 'io'],
    ['kubectl', 'io'],
    ['write', 'io'],
    ['read', 'io'],
    ['unexpected place', 'io'],
  ])
  for (const error of Object.values(errors)) {
    expect(error).toMatchObject({
      why: expect.stringContaining('reached its limit of open files and connections') as string,
      hint: expect.stringContaining('ulimit -n') as string,
    })
  }
})
