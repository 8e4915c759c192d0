import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Fault, faultyProxy } from '../support/faulty-proxy.ts'
import { image } from '../support/images.ts'
import { preloading } from '../support/program-command.ts'
import { tempFolder } from '../support/temp.ts'
import { configOf, world } from '../support/world.ts'
import { toProd, workplace } from '../support/workplace.ts'

const api = image({ layers: 1 })
const stall = { kind: 'stall', when: 'before' } as const
const moments: readonly [string, Fault['at']][] = [
  ['the image is read', { method: 'GET', path: /staging\/api\/manifests\// }],
  ['the tag at the destination is read', { method: 'GET', path: /prod\/api\/manifests\// }],
  ['a blob is uploaded', { method: 'POST', path: /prod\/api\/blobs\/uploads/ }],
]

describe('Ctrl-C', () => {
  it.each(moments)('ends the run with 130 while %s, without a moved tag or an open intent', async (_, at) => {
    const w = await world().has('api:1.4.2', api).start()
    await using proxy = await faultyProxy(w.staging.host, { at, times: Infinity, injury: stall })
    const project = await workplace(configOf(proxy.host))
    const run = project.start(...toProd('api:1.4.2', '--json'))
    while (!proxy.passed.some(({ injury }) => injury === 'stall')) await new Promise(setImmediate)
    run.child.kill('SIGINT')
    expect(await run.ended).toBe(130)
    expect(await w.staging.oracle.digest('prod/api', '1.4.2')).toBeUndefined()
    const records = await readFile(project.auditFile, 'utf8').catch(() => '')
    const phases = records
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { phase: string }).phase)
    const count = (phase: string) => phases.filter((one) => one === phase).length
    expect(count('outcome')).toBe(count('intent'))
  })
})

describe('the second signal', () => {
  it.each([
    ['SIGINT', 'SIGTERM'],
    ['SIGTERM', 'SIGTERM'],
  ] as const)('ends the process although a system call never returns (%s, %s)', async (first, second) => {
    const w = await world().has('api:1.4.2', api).start()
    const at = { method: 'PUT', path: /prod\/api\/manifests\/1.4.2/ } as const
    await using proxy = await faultyProxy(w.staging.host, { at, times: Infinity, injury: stall })
    const pipe = join(await tempFolder(), 'pipe')
    execFileSync('mkfifo', [pipe])
    // Nothing writes to the pipe, so the read blocks a thread, like a hanging file system.
    const block = join(await tempFolder(), 'block.cjs')
    await writeFile(block, `require('node:fs').open(${JSON.stringify(pipe)}, 'r', () => {})`)
    const project = await workplace(configOf(proxy.host), preloading(block))
    const run = project.start(...toProd('api:1.4.2'))
    while (!proxy.passed.some(({ injury }) => injury === 'stall')) await new Promise(setImmediate)
    run.child.kill(first)
    let stderr = ''
    while (!stderr.includes('Press Ctrl-C again'))
      stderr += String((await once(run.child.stderr ?? run.child, 'data'))[0])
    run.child.kill(second)
    await run.ended
    expect(run.child.signalCode).toBe('SIGINT')
  })
})
