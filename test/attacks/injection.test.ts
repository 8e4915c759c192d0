import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { imageWithConfig } from '../support/config-image.ts'
import { memoryStorage } from '../../src/embedded/storage/memory-storage.ts'
import { startRegistry } from '../../src/embedded/server.ts'
import { complaintOfOutput } from '../support/hostile/verdict.ts'
import { Oracle } from '../support/oracle.ts'
import { runSummary } from '../../src/render/ci.ts'
import { image } from '../support/images.ts'
import { dray, type Ended, startDray } from '../support/program.ts'
import { sendRaw } from '../support/raw-http.ts'
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

/** The same as people, CI jobs and file names may write it: with links, sections of GitLab, Markdown and formulas. */
const written = [
  '=1+1',
  steering,
  '\u001b]8;;https://attacker.example\u0007click\u001b]8;;\u0007',
  'section_start:1:x\r\u001b[0K',
  'DIGEST=forged\nPATH=/tmp\nx<<EOF\n1\nEOF',
  '<img src=x onerror=alert(1)> [click](javascript:alert(1)) ![x](https://attacker.example) | `x` |',
].join('\n')

/** A promotion whose every free text steers, on GitHub, with all the files that a job has. */
async function steeredPromotion() {
  const registry = await startRegistry({ storage: memoryStorage() })
  onTestFinished(() => registry.close())
  await new Oracle(registry.registry).push(image(), 'staging/api', '1.4.2')
  const at = await workplace(
    JSON.stringify({
      version: 1,
      environments: {
        staging: { registry: registry.registry, path: 'staging/{image}' },
        prod: { registry: registry.registry, path: 'prod/{image}', promoteFrom: ['staging'] },
      },
    }),
    {
      GITHUB_ACTIONS: 'true',
      GITHUB_ACTOR: written,
      GITHUB_JOB: written,
      GITHUB_REPOSITORY: written,
      GITHUB_SHA: written,
    },
  )
  const files = ['GITHUB_OUTPUT', 'GITHUB_STEP_SUMMARY', 'GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_STATE']
  for (const name of files) await writeFile(join(at.folder, name), '')
  const env = {
    HOME: at.folder,
    DRAY_AUDIT_FILE: at.auditFile,
    GITHUB_ACTIONS: 'true',
    GITHUB_ACTOR: written,
    GITHUB_JOB: written,
    ...Object.fromEntries(files.map((name) => [name, join(at.folder, name)])),
  }
  const words = ['--reason', written, '--ticket', written, '--actor', written, '--report', 'dotenv=r.env']
  const ended = await dray([...toProd('api:1.4.2', ...words), '--verbose'], { cwd: at.folder, env })
  return { at, ended, read: (file: string) => readFile(join(at.folder, file), 'utf8') }
}

describe('text of people and CI jobs that steers', () => {
  it('adds nothing to the files of a CI job, and no line to the log', async () => {
    const { at, ended, read } = await steeredPromotion()
    expect(ended.code).toBe(0)
    expect(complaintOfOutput(printedBy(ended))).toBeUndefined()
    expect(await read('GITHUB_OUTPUT')).toMatch(/^digest=sha256:\w+\nchanged=true\nplan=sha256:\w+\n$/)
    expect(await read('r.env')).toMatch(/^DRAY_DIGEST=sha256:\w+\nDRAY_CHANGED=true\nDRAY_PLAN=sha256:\w+\n$/)
    for (const file of ['GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_STATE']) expect(await read(file)).toBe('')
    expect(await read('GITHUB_STEP_SUMMARY')).not.toMatch(/attacker|javascript|onerror/)
    expect((await readFile(at.auditFile, 'utf8')).trimEnd().split('\n').length).toBe(
      (await readFile(at.auditFile, 'utf8')).match(/^\{"seq":\d+,/gm)?.length,
    )
    expect(await readdir(at.folder)).not.toContain('EOF')
  })

  it.each([
    ['history', 'api'],
    ['history', 'api', '--json'],
    ['audit', 'log'],
    ['audit', 'log', '--json'],
    ['audit', 'verify'],
  ])('steers nothing when it is shown: %s %s %s', async (...words) => {
    const { at } = await steeredPromotion()
    const ended = await at.run(...words)
    expect(ended.code).toBe(0)
    expect(complaintOfOutput(printedBy(ended))).toBeUndefined()
  })

  it('is text in a summary', () => {
    const plan = {
      operation: 'promote',
      placements: [],
      refusals: [{ image: 'api:1', error: { message: written } }],
    }
    const summary = runSummary(plan as unknown as Parameters<typeof runSummary>[0], undefined)
    const [, , refusal = '', ...rest] = summary.split('\n')
    expect(rest).toEqual(['', ''])
    expect(refusal.replaceAll(/\\[\\`*_[\]|~]/g, '')).not.toMatch(/[<`*_[\]|~]/)
  })
})

it.each([
  ['audit', 'verify', '--file'],
  ['apply'],
  ['plan', 'show'],
  ['config', 'validate', '--config'],
  ['inspect'],
  ['ls', '--config'],
])('the name of a file or an image that steers is shown without: %s %s %s', async (...words) => {
  const ended = await dray([...words, steering], { env: { GITHUB_ACTIONS: 'true' } })
  expect(ended.code).not.toBe(0)
  expect(complaintOfOutput(printedBy(ended))).toBeUndefined()
})

it('dray serve shows the paths of requests without what steers', async () => {
  const running = startDray(['serve', '--verbose'])
  const seen: string[] = []
  running.child.stderr?.on('data', (chunk: string) => seen.push(chunk))
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(await running.seen(/is ready/))?.[1])
  const path = '/a##vso[task.x]y'
  await sendRaw(port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`).answer
  running.child.kill('SIGTERM')
  await running.ended
  expect(seen.join('')).toContain('GET ')
  expect(complaintOfOutput(seen.join(''))).toBeUndefined()
})
