import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { image } from '../../support/images.ts'
import { dray } from '../../support/program.ts'
import { tempFolder } from '../../support/temp.ts'
import { tools } from '../../support/tools.ts'
import { watchedRegistry } from '../../support/world.ts'

const run = promisify(execFile)
const skopeo = tools('skopeo')

/** Runs skopeo with the file. Nothing listens at the source. */
async function inspect(file: string, reference: string): Promise<string> {
  const args = ['--registries-conf', file, 'inspect', '--raw', `docker://127.0.0.1:1/${reference}`]
  const { stdout } = await run('skopeo', args)
  return stdout
}

describe.skipIf(!skopeo.available)(`registries.conf${skopeo.note}`, () => {
  it('leads skopeo to the mirror while the source is down, by tag and by digest', async () => {
    await using mirror = await watchedRegistry()
    const { digest } = await mirror.oracle.push(image({ platform: 'linux/amd64' }), 'hub/team/api', '1.4.2')
    const bytes = (await mirror.oracle.manifest('hub/team/api', '1.4.2'))?.bytes
    const folder = await tempFolder()
    const rule = {
      name: 'hub',
      from: '127.0.0.1:1',
      repositories: ['team/**'],
      to: `${mirror.host}/hub/{repository}`,
    }
    await writeFile(join(folder, 'dray.yaml'), JSON.stringify({ version: 1, sync: [rule] }))
    const here = { cwd: folder, env: { HOME: folder } }
    const written = await dray(['mirror-config', '--format', 'registries.conf', '--out', 'files'], here)
    expect(written).toMatchObject({ code: 0, stdout: 'Wrote files/registries.conf.\n' })
    const file = join(folder, 'files', 'registries.conf')
    const printed = await dray(['mirror-config', 'hub', '--format', 'registries.conf'], here)
    expect(printed.stdout).toBe(await readFile(file, 'utf8'))
    for (const at of [':1.4.2', `@${digest}`])
      expect(await inspect(file, `team/api${at}`), at).toBe(Buffer.from(bytes ?? []).toString())
    await expect(inspect(file, 'other/api:1.4.2')).rejects.toThrow('connection refused')

    const strict = ['mirror-config', '--format', 'registries.conf', '--no-fallback', '--digest-only']
    await writeFile(file, (await dray(strict, here)).stdout)
    expect(await inspect(file, `team/api@${digest}`)).toBe(Buffer.from(bytes ?? []).toString())
    await expect(inspect(file, 'team/api:1.4.2')).rejects.toThrow('blocked')
  })
})
