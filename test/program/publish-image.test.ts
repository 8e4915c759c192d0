import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describeEachRegistry } from '../support/each-registry.ts'
import { warmDray } from '../support/program.ts'
import { writeImage } from '../support/release/fake-image.ts'
import { tempFolder } from '../support/temp.ts'

describeEachRegistry('dray publishes the image', (registry) => {
  it('with its digest and its attached artifacts, and tags it', async () => {
    const { folder, root } = await writeImage()
    const { host, oracle } = registry()
    const run = async (...args: readonly string[]): Promise<void> => {
      const home = await tempFolder()
      const ended = await warmDray(args, { env: { HOME: home }, cwd: home })
      expect(ended.code, ended.stderr).toBe(0)
    }
    await run('copy', `oci:${folder}:1.4.0`, `${host}/acme/dray:1.4.0`, '--yes')
    await run('tag', `${host}/acme/dray:1.4.0`, '1.4.0', '--yes')
    expect(await oracle.digest('acme/dray', '1.4.0')).toBe(root)
    expect(await oracle.digest('acme/dray', '1.4')).toBe(root)
    const index = JSON.parse(readFileSync(join(folder, 'blobs', ...root.split(':')), 'utf8')) as {
      manifests: readonly { digest: string }[]
    }
    for (const digest of [root, ...index.manifests.map((one) => one.digest)])
      expect(await oracle.referrers('acme/dray', digest)).toHaveLength(2)
    expect(await oracle.complaints('acme/dray', '1.4.0')).toEqual([])
  })
})
