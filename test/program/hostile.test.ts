import { describe, expect, it, onTestFinished } from 'vitest'
import { imageWithConfig } from '../support/config-image.ts'
import { memoryStorage } from '../../src/embedded/memory-storage.ts'
import { startRegistry } from '../../src/embedded/server.ts'
import { complaintOfOutput } from '../support/hostile/verdict.ts'
import { Oracle } from '../support/oracle.ts'
import { dray, type Ended } from '../support/program.ts'
import { reply, type Script, scriptedServer } from '../support/scripted-server.ts'
import { toProd, workplace } from '../support/workplace.ts'

/** What a terminal, GitHub, Azure and TeamCity would act on; as much of it as a header may have. */
const steering =
  '\u001b]0;pwned\u0007\u001b[2J\u009b31m\u202eevil\u200b\u2028\n::set-output name=x::y\r::error::z ##vso[task.x]y'
const inHeaders = '\u009b2J ::error::z ##vso[task.x]y'

/** The ways in which output is made; colours of our own are no complaint. */
const modes: Readonly<
  Record<string, { readonly env: Readonly<Record<string, string>>; readonly words: readonly string[] }>
> = {
  'in a pipe': { env: {}, words: [] },
  'in colours': { env: { FORCE_COLOR: '1' }, words: [] },
  'as JSON': { env: {}, words: ['--json'] },
  'on GitHub': { env: { GITHUB_ACTIONS: 'true', CI: 'true' }, words: ['--verbose'] },
  'in the log of a person who looks for a mistake': { env: { DRAY_LOG: 'debug' }, words: ['--verbose'] },
}

/** All that was printed, without the colours that we set ourselves. */
function printedBy({ stdout, stderr }: Ended): string {
  // oxlint-disable-next-line eslint/no-control-regex -- colours
  return `${stdout}${stderr}`.replaceAll(/\u001b\[\d+m/g, '')
}

async function registryOf(script: Script): Promise<string> {
  const registry = await scriptedServer(script)
  onTestFinished(() => registry[Symbol.asyncDispose]())
  return registry.host
}

const json = { 'content-type': 'application/json' }
const refusals: Readonly<Record<string, Script>> = {
  'words that steer': (_, response) =>
    reply(
      response,
      403,
      { ...json, warning: `299 - "${inHeaders}"` },
      JSON.stringify({ errors: [{ code: steering, message: steering }] }),
    ),
  'a list of such names': (_, response) =>
    reply(response, 200, json, JSON.stringify({ name: steering, tags: ['1', steering] })),
  'text that steers': (_, response) => reply(response, 400, { 'content-type': 'text/plain' }, steering),
  'a digest that steers': (_, response) =>
    reply(
      response,
      200,
      { ...json, 'docker-content-digest': inHeaders, link: `<${inHeaders}>; rel=next` },
      '{"tags":["1"]}',
    ),
}

describe.each(Object.entries(modes))('%s, a registry that answers with', (_, { env, words }) => {
  it.each(Object.entries(refusals))('%s is one error, and steers nothing', async (_name, script) => {
    const registry = await registryOf(script)
    const ended = await dray(['ls', `${registry}/team/api`, ...words], { env })
    expect(complaintOfOutput(printedBy(ended))).toBeUndefined()
    expect(ended.code).toBe(1)
    expect(printedBy(ended).match(/^error:|"error": \{/gm)).toHaveLength(1)
  })
})

it.each(Object.entries(modes))(
  '%s, an image whose every text steers is shown without',
  async (_, { env, words }) => {
    const registry = await startRegistry({ storage: memoryStorage() })
    onTestFinished(() => registry.close())
    const config = {
      architecture: steering,
      os: 'linux',
      created: steering,
      author: steering,
      config: {
        Entrypoint: [steering],
        Cmd: [steering],
        Env: [`A=${steering}`],
        User: steering,
        Labels: { [steering]: steering, 'org.opencontainers.image.version': steering },
      },
      history: [{ created_by: steering }],
      rootfs: { type: 'layers', diff_ids: [] },
    }
    await new Oracle(registry.registry).push(imageWithConfig(config), 'team/api', '1')
    for (const command of [
      ['inspect', `${registry.registry}/team/api:1`],
      ['ls', `${registry.registry}/team/api`],
      ['diff', `${registry.registry}/team/api:1`, `${registry.registry}/team/api:1`],
    ])
      expect(complaintOfOutput(printedBy(await dray([...command, ...words], { env })))).toBeUndefined()
  },
)

it('a registry that steers with every header and every refusal ends a promotion with one error', async () => {
  const registry = await registryOf(({ method }, response) =>
    reply(
      response,
      method === 'HEAD' || method === 'GET' ? 200 : 400,
      {
        ...json,
        location: inHeaders,
        link: inHeaders,
        warning: `299 - "${inHeaders}"`,
        'oci-tag': inHeaders,
        'retry-after': inHeaders,
      },
      JSON.stringify({
        errors: [{ code: steering, message: steering }],
        schemaVersion: steering,
        mediaType: steering,
      }),
    ),
  )
  const place = await workplace(
    JSON.stringify({
      version: 1,
      environments: {
        staging: { registry, path: 'staging/{image}' },
        prod: { registry, path: 'prod/{image}', promoteFrom: ['staging'] },
      },
    }),
    { GITHUB_ACTIONS: 'true', DRAY_LOG: 'debug' },
  )
  const ended = await place.run(...toProd('api:1.4.2'), '--verbose')
  expect(complaintOfOutput(printedBy(ended))).toBeUndefined()
  expect(ended.code).toBe(1)
})
