import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Fault, faultyProxy } from '../support/faulty-proxy.ts'
import { image } from '../support/images.ts'
import { tempFolder } from '../support/temp.ts'
import { configOf, world } from '../support/world.ts'
import { toProd, workplace } from '../support/workplace.ts'

const api = image({ layers: 1 })
const answers = { kind: 'stall', when: 'before' } as const
const places: readonly [string, Fault['at']][] = [
  ['the image is read', { method: 'GET', path: /staging\/api\/manifests\// }],
  ['the tag at the destination is read', { method: 'HEAD', path: /prod\/api\/manifests\// }],
  ['a blob is on its way', { method: 'POST', path: /prod\/api\/blobs\/uploads/ }],
]

describe('Ctrl-C', () => {
  it.each(places)(
    'while %s ends the run: exit 130, the tag untouched, no intent left open',
    async (_, at) => {
      const w = await world().has('api:1.4.2', api).start()
      await using proxy = await faultyProxy(w.staging.host, { at, times: Infinity, injury: answers })
      const here = await workplace(configOf(proxy.host))
      const run = here.start(...toProd('api:1.4.2', '--json'))
      while (!proxy.passed.some(({ injury }) => injury === 'stall')) await new Promise(setImmediate)
      run.child.kill('SIGINT')
      expect(await run.ended).toBe(130)
      expect(await w.staging.oracle.digest('prod/api', '1.4.2')).toBeUndefined()
      const records = await readFile(here.auditFile, 'utf8').catch(() => '')
      const phases = records
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { phase: string }).phase)
      const count = (phase: string) => phases.filter((one) => one === phase).length
      expect(count('outcome')).toBe(count('intent'))
    },
  )
})

describe('the second signal', () => {
  it.each([
    ['SIGINT', 'SIGTERM'],
    ['SIGTERM', 'SIGTERM'],
  ] as const)(
    '(%s, %s) ends a run of which a system call never returns, for which process.exit would wait',
    async (first, second) => {
      const w = await world().has('api:1.4.2', api).start()
      const at = { method: 'PUT', path: /prod\/api\/manifests\/1.4.2/ } as const
      await using proxy = await faultyProxy(w.staging.host, { at, times: Infinity, injury: answers })
      const pipe = join(await tempFolder(), 'pipe')
      execFileSync('mkfifo', [pipe])
      // nobody writes to the pipe: this blocks a thread of Node's pool, as a file system that hangs does
      const block = `import{open}from'node:fs';open(${JSON.stringify(pipe)},'r',()=>{})`
      const here = await workplace(configOf(proxy.host), {
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(block)}`,
      })
      const run = here.start(...toProd('api:1.4.2'))
      while (!proxy.passed.some(({ injury }) => injury === 'stall')) await new Promise(setImmediate)
      run.child.kill(first)
      let said = ''
      while (!said.includes('Interrupt again'))
        said += String((await once(run.child.stderr ?? run.child, 'data'))[0])
      run.child.kill(second)
      await run.ended
      expect(run.child.signalCode).toBe('SIGINT')
    },
  )
})
