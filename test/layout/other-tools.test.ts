import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Call } from '../../src/lib/call.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { LayoutRepositories } from '../../src/layout/layout-repositories.ts'
import { parseDigest } from '../../src/oci/digest.ts'
import { Copier } from '../../src/images/copy.ts'
import * as images from '../support/images.ts'
import { layoutDifferences, listLayout, readLayout, writeLayout } from '../support/layouts.ts'
import { tempFolder } from '../support/temp.ts'
import { tools } from '../support/tools.ts'

const call: Call = { signal: new AbortController().signal, notify: () => undefined }
const skopeo = tools('skopeo')
const umoci = tools('umoci')

function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Without `--preserve-digests` skopeo compresses the layers of what it writes to a layout. */
function skopeoCopy(from: string, to: string): void {
  run('skopeo', 'copy', '-q', '--insecure-policy', '--all', '--preserve-digests', from, to)
}

/** Copies a tag and its evidence from one layout to another. */
async function copy(from: string, to: string, tag: string): Promise<void> {
  const stores = new LayoutRepositories('/', systemClock)
  const [source, target] = [from, to].map((path) => stores.target({ registry: 'oci:', path }))
  if (source === undefined || target === undefined) throw new Error('no repositories')
  const { descriptor, bytes } = await source.manifest({ tag }, call)
  const copier = new Copier()
  await copier.copy(source, target, descriptor, { rootBy: 'tag' }, call)
  for (const referrer of (await source.referrers(descriptor.digest, call)) ?? []) {
    await copier.copy(source, target, referrer, { rootBy: 'digest' }, call)
  }
  await target.putManifest(descriptor, bytes, [tag], call)
}

describe.skipIf(!skopeo.available)(`skopeo${skopeo.note}`, () => {
  it('reads an index that dray wrote, with every platform and identical bytes', async () => {
    const cwd = await tempFolder()
    const content = images.index(['linux/amd64', 'linux/arm64'])
    writeLayout(join(cwd, 'a'), images.together(content, images.referrer(content)), '1.4.2')
    await copy(join(cwd, 'a'), join(cwd, 'b'), '1.4.2')
    skopeoCopy(`oci:${cwd}/b:1.4.2`, `oci:${cwd}/c:x`)
    expect(layoutDifferences(join(cwd, 'c'), content)).toEqual([])
    expect(listLayout(join(cwd, 'c'))).toMatchObject({ x: content.root.digest })
  })

  it('finds the only image of a layout that dray wrote without a tag', async () => {
    const cwd = await tempFolder()
    const content = images.index(['linux/amd64', 'linux/arm64'])
    writeLayout(join(cwd, 'a'), content, '1')
    await copy(join(cwd, 'a'), join(cwd, 'b'), '1')
    const raw = run('skopeo', 'inspect', '--raw', `oci:${cwd}/b`)
    expect(images.sha256(raw)).toBe(content.root.digest)
  })

  it('writes a layout that dray reads, and adds an image to one that dray wrote', async () => {
    const cwd = await tempFolder()
    const [one, two] = [images.image({ label: 'one' }), images.image({ label: 'two' })]
    writeLayout(join(cwd, 'a'), one, '1')
    writeLayout(join(cwd, 'a'), two, '2')
    skopeoCopy(`oci:${cwd}/a:1`, `oci:${cwd}/b:1`)
    await copy(join(cwd, 'b'), join(cwd, 'c'), '1')
    skopeoCopy(`oci:${cwd}/a:2`, `oci:${cwd}/c:2`)
    await copy(join(cwd, 'c'), join(cwd, 'd'), '2')
    expect(listLayout(join(cwd, 'c'))).toEqual({ '1': one.root.digest, '2': two.root.digest })
    expect(layoutDifferences(join(cwd, 'c'), one)).toEqual([])
    expect(layoutDifferences(join(cwd, 'd'), two)).toEqual([])
  })
})

describe.skipIf(!umoci.available)(`umoci${umoci.note}`, () => {
  it('lists and garbage-collects a layout that dray wrote, and deletes no blob in use', async () => {
    const cwd = await tempFolder()
    const content = images.image()
    const signature = images.referrer(content)
    writeLayout(join(cwd, 'a'), images.together(content, signature), '1')
    await copy(join(cwd, 'a'), join(cwd, 'b'), '1')
    expect(run('umoci', 'ls', '--layout', join(cwd, 'b')).trim().split('\n')).toContain('1')
    run('umoci', 'gc', '--layout', join(cwd, 'b'))
    expect(layoutDifferences(join(cwd, 'b'), images.together(content, signature))).toEqual([])
  })

  it('creates a layout that dray reads and writes', async () => {
    const cwd = await tempFolder()
    const layout = join(cwd, 'a')
    run('umoci', 'init', '--layout', layout)
    run('umoci', 'new', '--image', `${layout}:new`)
    const store = new LayoutRepositories(cwd, systemClock).target({ registry: 'oci:', path: 'a' })
    const digest = listLayout(layout)['new'] ?? ''
    expect((await store.resolve({ tag: 'new' }, call))?.digest).toBe(digest)
    expect(await store.onlyImage(call)).toEqual({ tag: 'new' })

    await copy(layout, join(cwd, 'b'), 'new')
    const content = images.image()
    writeLayout(join(cwd, 'c'), content, '1')
    await copy(join(cwd, 'c'), layout, '1')
    expect(listLayout(layout)).toEqual({ new: digest, '1': content.root.digest })
    expect(run('umoci', 'ls', '--layout', layout).trim().split('\n').sort()).toEqual(['1', 'new'])
    expect((await store.manifest({ digest: parseDigest(digest) }, call)).descriptor.digest).toBe(digest)
    expect(readLayout(join(cwd, 'b')).manifests).toHaveLength(1)
    expect(existsSync(join(layout, '.dray.lock'))).toBe(false)
  })
})
