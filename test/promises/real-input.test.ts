import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type DockerRegistry, type LogEntry, startDockerRegistry } from '../support/docker-registry.ts'
import type { Descriptor } from '../support/images.ts'
import { listLayout } from '../support/layouts.ts'
import {
  addBusybox,
  addIndex,
  busybox,
  entryOf,
  newLayout,
  manifestsAndBlobsIn,
  realTools,
  run,
  skopeoCopy,
} from '../support/real-images.ts'
import { tempFolder } from '../support/temp.ts'
import { configOf } from '../support/world.ts'
import { toProd, type Workplace, warmWorkplace } from '../support/workplace.ts'

const isRead = ({ method }: LogEntry) => method === 'GET' || method === 'HEAD'
const transfersBlob = ({ method, path }: LogEntry) =>
  method === 'PATCH' || (method !== 'POST' && /\/blobs\//.test(path))
const readsEvidence = ({ path }: LogEntry) => /\/referrers\/|\/tags\/list|\/manifests\/sha256-/.test(path)
const format = (log: readonly LogEntry[]) => log.map((r) => `${r.status} ${r.method} ${r.path}`).join('\n')

describe.skipIf(!realTools.available)(`a real image at a real docker-registry${realTools.note}`, () => {
  let registry: DockerRegistry
  beforeAll(async () => {
    registry = await startDockerRegistry()
  })
  afterAll(() => registry.stop())

  let layout: string
  let here: Workplace
  let amd64: Descriptor
  beforeEach(async () => {
    layout = await newLayout()
    here = await warmWorkplace(configOf(registry.host))
    amd64 = await addBusybox(layout, 'amd64')
  })

  const at = (repository: string, tag = '1.4.2') => `docker://${registry.host}/${repository}:${tag}`

  /** Runs dray, which must succeed, and returns the requests that the registry requestsOf. */
  async function requestsOf(args: readonly string[]): Promise<readonly LogEntry[]> {
    await registry.clearLog()
    const ended = await here.run(...args)
    expect(ended.code, ended.stderr).toBe(0)
    return registry.log()
  }

  async function expectSame(pulled: string, root: Descriptor): Promise<void> {
    expect(entryOf(pulled, 'pulled')).toEqual(root)
    expect(manifestsAndBlobsIn(pulled, root)).toEqual(manifestsAndBlobsIn(layout, root))
  }

  it('keeps its digest and bytes from dev over staging to prod, within the budget of requests', async () => {
    await skopeoCopy(`oci:${layout}:amd64`, at('dev/api'))

    const toStaging = ['promote', 'api:1.4.2', '--from', 'dev', '--to', 'staging', '--yes']
    for (const args of [toStaging, toProd('api:1.4.2')]) {
      const log = await requestsOf(args)
      const layers = 2
      expect(log.length, format(log)).toBeLessThanOrEqual(layers + 10)
      expect(log.filter(transfersBlob), format(log)).toEqual([])
    }
    const pulled = join(await tempFolder(), 'pulled')
    await skopeoCopy(at('prod/api'), `oci:${pulled}:pulled`)
    await expectSame(pulled, amd64)

    const noOp = await requestsOf(toProd('api:1.4.2'))
    expect(noOp.filter((entry) => !isRead(entry))).toEqual([])
    expect(noOp.filter((entry) => !readsEvidence(entry)).length, format(noOp)).toBeLessThanOrEqual(2)
    const withoutEvidence = await requestsOf(toProd('api:1.4.2', '--no-evidence'))
    expect(withoutEvidence.length, format(withoutEvidence)).toBeLessThanOrEqual(2)
  })

  it('is promoted with both of its platforms', async () => {
    const multi = addIndex(layout, 'multi', { amd64, arm64: await addBusybox(layout, 'arm64', 'arm64') })
    await skopeoCopy(`oci:${layout}:multi`, at('dev/multi'))
    await requestsOf(['promote', 'multi:1.4.2', '--from', 'dev', '--to', 'staging', '--yes'])
    const log = await requestsOf(toProd('multi:1.4.2'))
    expect(log.filter(transfersBlob), format(log)).toEqual([])
    const pulled = join(await tempFolder(), 'pulled')
    await skopeoCopy(at('prod/multi'), `oci:${pulled}:pulled`)
    await expectSame(pulled, multi)
  })

  it('is copied from a layout of umoci to the registry, and from there to a layout that skopeo and umoci read', async () => {
    const multi = addIndex(layout, 'multi', { amd64, arm64: await addBusybox(layout, 'arm64', 'arm64') })
    const out = join(here.folder, 'out')
    for (const [tag, root] of [
      ['multi', multi],
      ['amd64', amd64],
    ] as const) {
      const remote = `${registry.host}/copied/${tag}:1.4.2`
      await requestsOf(['copy', `oci:${layout}:${tag}`, remote, '--yes'])
      await requestsOf(['copy', remote, `oci:./out:${tag}`, '--yes'])
      const pulled = join(await tempFolder(), 'pulled')
      await skopeoCopy(`oci:${out}:${tag}`, `oci:${pulled}:pulled`)
      await expectSame(pulled, root)
    }
    expect(listLayout(out)).toMatchObject({ multi: multi.digest, amd64: amd64.digest })
    const bundle = join(await tempFolder(), 'bundle')
    await run('umoci', 'unpack', '--rootless', '--image', `${out}:amd64`, bundle)
    expect(readFileSync(join(bundle, 'rootfs/bin/sh')).equals(readFileSync(busybox))).toBe(true)
    expect(readFileSync(join(bundle, 'rootfs/etc/app.conf'), 'utf8')).toBe('built for amd64\n')
  })
})
