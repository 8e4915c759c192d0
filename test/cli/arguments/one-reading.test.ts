import { expect, it } from 'vitest'
import { resolveDiffRequest } from '../../../src/cli/arguments/diff-request.ts'
import { resolveHistoryRequest } from '../../../src/cli/arguments/history-request.ts'
import {
  resolveImageToInspect,
  resolveRepositoriesToList,
} from '../../../src/cli/arguments/image-requests.ts'
import { promoteRequests } from '../../../src/cli/arguments/promote-requests.ts'
import { rollbackRequest } from '../../../src/cli/arguments/rollback-request.ts'
import { resolveStatusRequest } from '../../../src/cli/arguments/status-request.ts'
import { tagRequests } from '../../../src/cli/arguments/tag-requests.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { readingAt } from '../../../src/config/settings/version-reading.ts'
import { plainReading, type VersionReading } from '../../../src/semver/version.ts'

const { config } = parseConfig(
  {
    file: '/p/dray.yaml',
    content: `version: 1
environments:
  staging: { registry: r.example, path: "staging/{image}" }
  prod:
    registry: r.example
    path: "prod/{image}"
    tags: { semver: [exact, latest], scheme: calver, variants: [slim], buildMetadata: true }
images:
  api: { tags: { scheme: loose, ignoreVersions: ["nightly-*"] } }
  web: {}
`,
  },
  'dray.yaml',
)
const ofApi: VersionReading = {
  scheme: 'loose',
  variants: ['slim'],
  ignoreVersions: ['nightly-*'],
  buildMetadata: true,
  twoNumbers: true,
}
const ofWeb: VersionReading = {
  scheme: 'calver',
  variants: ['slim'],
  ignoreVersions: [],
  buildMetadata: true,
  twoNumbers: false,
}

/** How each command reads an image of prod, by the argument. */
async function readingsOf(argument: string, image: string): Promise<Readonly<Record<string, unknown>>> {
  const repository = { registry: 'r.example', path: `prod/${image}` }
  const given = { references: [`${argument}:b`], env: undefined, tags: ['t'], next: undefined }
  const policy = { levels: undefined, channels: undefined, allowBackward: false }
  const [tag] = tagRequests({ ...given, fromLabel: false, policy, cwd: '/p' }, config)
  const promote = async (operation: 'promote' | 'copy', ...references: readonly string[]) => {
    const [request] = await promoteRequests(
      { operation, references, tags: [], cwd: '/p' },
      config,
      async () => ({
        tag: 'only',
      }),
    )
    return request
  }
  const promotion = await promote('promote', '@staging/web:1', `${argument}:1`)
  const rollback = { image: argument, env: undefined, to: undefined, partial: false, cwd: '/p' }
  const status = resolveStatusRequest([argument], ['prod'], config)
  const diff = resolveDiffRequest(['staging', 'prod', image], config)
  const history = resolveHistoryRequest(argument, 1, config)
  return {
    tag: tag?.policy,
    promoteTo: promotion?.to.reading,
    promoteFrom: (await promote('promote', `${argument}:1`, '@staging'))?.from.reading,
    floatingTags: promotion?.tagMaintenance?.policy,
    copyTo: (await promote('copy', '@staging/web:1', `${argument}:1`))?.to.reading,
    rollback: rollbackRequest(rollback, config).policy,
    status: status.targets[0]?.reading,
    diff: diff.images[0]?.to[0]?.reading,
    history: history.targets.find((one) => one.repository.path === repository.path)?.reading,
    ls: resolveRepositoriesToList(argument, config).readingOf(repository),
    inspect: resolveImageToInspect(argument, config).readingOf(repository),
    prune: readingAt(config, repository),
  }
}

it.each([
  ['@prod/api', 'api', ofApi],
  ['r.example/prod/api', 'api', ofApi],
  ['@prod/web', 'web', ofWeb],
])('every command reads the tags of %s in one way', async (argument, image, reading) => {
  for (const [command, found] of Object.entries(await readingsOf(argument, image)))
    expect(found, command).toMatchObject(reading)
})

it('a repository in no environment is read by the defaults', async () => {
  const [request] = await promoteRequests(
    { operation: 'promote', references: ['r.example/x/api:1', 'r.example/y/api'], tags: [], cwd: '/p' },
    config,
    async () => ({ tag: 'only' }),
  )
  expect([request?.from.reading, request?.to.reading]).toEqual([plainReading, plainReading])
})
