import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dray, warmDray } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { world, type World } from '../support/world.ts'

interface Place {
  readonly folder: string
  readonly world: World
  /** the repository of api */
  readonly api: string
  /** the digest of api:1.4.2, an index */
  readonly digest: string
  read(name: string): Promise<string>
  pin(...args: readonly string[]): ReturnType<typeof warmDray>
}

/** Files with `API` in place of the repository of api. */
async function place(files: Readonly<Record<string, string>>): Promise<Place> {
  const built = await world().index('api:1.4.2', ['amd64', 'arm64']).image('web:2').start()
  const folder = await tempFolder()
  const api = `${built.staging.host}/staging/api`
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text.replaceAll('API', api))
  }
  return {
    folder,
    world: built,
    api,
    digest: built.content('api:1.4.2').root.digest,
    read: (name) => readFile(join(folder, name), 'utf8'),
    pin: (...args) => warmDray(['gitops', 'pin', ...args], { cwd: folder, env: { HOME: folder } }),
  }
}

const pod = 'kind: Pod\nspec:\n  containers:\n    - image: API:1.4.2 # api\n'

describe('gitops pin', () => {
  it('writes the digest of the index behind the tag, in a process of its own', async () => {
    const at = await place({ 'pod.yaml': pod })
    const here = { cwd: at.folder, env: { HOME: at.folder } }
    const ended = await dray(['gitops', 'pin', 'pod.yaml'], here)
    expect(ended.code).toBe(0)
    expect(await at.read('pod.yaml')).toBe(pod.replace('API:1.4.2', `${at.api}:1.4.2@${at.digest}`))
    expect(ended.stdout).toContain('Pinned 1 image in 1 file.')
  })

  it('resolves each tag with one HEAD request, in folders and globs too', async () => {
    const at = await place({
      'apps/a.yaml': pod,
      'apps/deep/b.yml': pod,
      'values/v.yaml': 'image: { repository: API, tag: 1.4.2, digest: "" }\n',
      'apps/.hidden/c.yaml': pod,
      'apps/notes.json': '{ "image": "API:none" }',
    })
    at.world.forget()
    const { code } = await at.pin('apps', 'values/*.yaml', 'apps/a.yaml', '--json')
    expect(code).toBe(0)
    const manifests = at.world.staging.requests.filter(({ path }) => path.includes('/manifests/'))
    expect(manifests.map(({ method }) => method)).toEqual(['HEAD'])
    expect(await at.read('apps/deep/b.yml')).toContain(`:1.4.2@${at.digest} # api`)
    expect(await at.read('values/v.yaml')).toContain(`tag: 1.4.2, digest: "${at.digest}"`)
    expect(await at.read('apps/.hidden/c.yaml')).not.toContain('sha256')
  })

  it('changes nothing and exits with 2 if a dry run finds a tag without a digest', async () => {
    const at = await place({ 'pod.yaml': pod })
    const before = await at.read('pod.yaml')
    const dry = await at.pin('pod.yaml', '--dry-run', '--detailed-exitcode', '--json')
    expect(dry.code).toBe(2)
    expect(await at.read('pod.yaml')).toBe(before)
    const { result } = JSON.parse(dry.stdout) as { result: unknown }
    expect(result).toEqual({
      dryRun: true,
      files: [
        {
          file: 'pod.yaml',
          status: 'changed',
          images: [
            {
              place: 'spec.containers[0].image',
              document: 1,
              line: 4,
              image: `${at.api}:1.4.2`,
              status: 'pinned',
              digest: at.digest,
            },
          ],
        },
      ],
    })
  })

  it('does not touch a file whose images have digests, unless --update finds another one', async () => {
    const old = `sha256:${'1'.repeat(64)}`
    const at = await place({ 'pod.yaml': pod.replace('1.4.2', `1.4.2@${old}`) })
    const before = await stat(join(at.folder, 'pod.yaml'), { bigint: true })
    at.world.forget()
    expect((await at.pin('pod.yaml', '--detailed-exitcode')).code).toBe(0)
    expect(at.world.staging.requests).toEqual([])
    expect((await stat(join(at.folder, 'pod.yaml'), { bigint: true })).mtimeNs).toBe(before.mtimeNs)
    expect((await at.pin('pod.yaml', '--update', '--detailed-exitcode')).code).toBe(2)
    expect(await at.read('pod.yaml')).toContain(`API:1.4.2@${at.digest}`.replace('API', at.api))
    const after = await stat(join(at.folder, 'pod.yaml'), { bigint: true })
    expect((await at.pin('pod.yaml', '--update', '--detailed-exitcode')).code).toBe(0)
    expect((await stat(join(at.folder, 'pod.yaml'), { bigint: true })).mtimeNs).toBe(after.mtimeNs)
  })

  it('writes no file with a tag that does not exist, and the others, with exit code 4', async () => {
    const broken = `${pod}    - image: API:1.9.9\n`
    const at = await place({ 'broken.yaml': broken, 'good.yaml': pod })
    const before = await at.read('broken.yaml')
    const ended = await at.pin('.')
    expect(ended.code).toBe(4)
    expect(await at.read('broken.yaml')).toBe(before)
    expect(await at.read('good.yaml')).toContain(at.digest)
    expect(ended.stderr).toContain(`broken.yaml:5: ${at.api}:1.9.9 does not exist`)
    expect(ended.stdout).toContain('not written')
    expect((await at.pin('broken.yaml')).code).toBe(1)
  })

  it('skips templates and variables with a warning that has the position', async () => {
    const at = await place({
      'chart/deployment.yaml': 'image: {{ .Values.image }}\n',
      'compose.yaml': 'services:\n  a:\n    image: API:${TAG:-1.4.2}\n  b:\n    image: API:1.4.2\n',
    })
    const ended = await at.pin('.', '--json')
    expect(ended.code).toBe(0)
    const { warnings } = JSON.parse(ended.stdout) as { warnings: string[] }
    expect(warnings).toEqual([
      expect.stringContaining('skipped chart/deployment.yaml: '),
      expect.stringMatching(/^skipped compose\.yaml:3: .* contains a variable$/),
    ])
    expect(await at.read('compose.yaml')).toContain(`b:\n    image: ${at.api}:1.4.2@${at.digest}`)
  })

  it('follows a link only within its folder', async () => {
    const at = await place({ 'inside/pod.yaml': pod, 'work/.keep': '' })
    await symlink('../inside/pod.yaml', join(at.folder, 'work', 'link.yaml'))
    const run = (cwd: string): ReturnType<typeof warmDray> =>
      warmDray(['gitops', 'pin', '.'], { cwd, env: { HOME: at.folder } })
    const refused = await run(join(at.folder, 'work'))
    expect(refused.code).toBe(1)
    expect(await at.read('inside/pod.yaml')).not.toContain('sha256')
    expect((await run(at.folder)).code).toBe(0)
    expect(await at.read('work/link.yaml')).toContain(at.digest)
  })

  it.each([
    [[], 64, 'a file is required'],
    [['nothing.yaml'], 1, 'no file matches "nothing.yaml"'],
    [['*.tf'], 1, 'no file matches "*.tf"'],
  ])('is an error with the arguments %j', async (args, code, message) => {
    const at = await place({ 'pod.yaml': pod })
    const ended = await at.pin(...args)
    expect(ended.code).toBe(code)
    expect(ended.stderr).toContain(message)
  })
})
