import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { imageWithConfig } from '../support/config-image.ts'
import { memoryStorage } from '../../src/embedded/storage/memory-storage.ts'
import { startRegistry } from '../../src/embedded/server.ts'
import { complaintOfOutput } from '../support/hostile/complaints.ts'
import { Oracle } from '../support/oracle.ts'
import { runSummary } from '../../src/render/ci.ts'
import { image } from '../support/images.ts'
import { warmDray, type Ended, startDray } from '../support/program.ts'
import { sendRaw } from '../support/raw-http.ts'
import { reply, type Script, scriptedServer } from '../support/scripted-server.ts'
import { toProd, warmWorkplace } from '../support/workplace.ts'

/** Control characters and commands of terminals, GitHub, Azure and TeamCity. */
const commands =
  '\u001b]0;pwned\u0007\u001b[2J\u009b31m\u202eevil\u200b\u2028\n::set-output name=x::y\r::error::z ##vso[task.x]y'
const inHeaders = '\u009b2J ::error::z ##vso[task.x]y'

/** The forms of output. Colours of dray itself are allowed. */
const modes: Readonly<
  Record<string, { readonly env: Readonly<Record<string, string>>; readonly args: readonly string[] }>
> = {
  'in a pipe': { env: {}, args: [] },
  'in colours': { env: { FORCE_COLOR: '1' }, args: [] },
  'as JSON': { env: {}, args: ['--json'] },
  'on GitHub': { env: { GITHUB_ACTIONS: 'true', CI: 'true' }, args: ['--verbose'] },
  'with DRAY_LOG=debug': { env: { DRAY_LOG: 'debug' }, args: ['--verbose'] },
}

/** The output without the colours of dray itself. */
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
  'commands in its error': (_, response) =>
    reply(
      response,
      403,
      { ...json, warning: `299 - "${inHeaders}"` },
      JSON.stringify({ errors: [{ code: commands, message: commands }] }),
    ),
  'commands in a list of tags': (_, response) =>
    reply(response, 200, json, JSON.stringify({ name: commands, tags: ['1', commands] })),
  'commands in plain text': (_, response) => reply(response, 400, { 'content-type': 'text/plain' }, commands),
  'commands in headers': (_, response) =>
    reply(
      response,
      200,
      { ...json, 'docker-content-digest': inHeaders, link: `<${inHeaders}>; rel=next` },
      '{"tags":["1"]}',
    ),
}

describe.each(Object.entries(modes))('output %s: a registry that answers with', (_, { env, args }) => {
  it.each(Object.entries(refusals))('%s gets one error without commands', async (_name, script) => {
    const registry = await registryOf(script)
    const ended = await warmDray(['ls', `${registry}/team/api`, ...args], { env })
    expect(complaintOfOutput(printedBy(ended))).toBeUndefined()
    expect(ended.code).toBe(1)
    expect(printedBy(ended).match(/^error:|"error": \{/gm)).toHaveLength(1)
  })
})

it.each(Object.entries(modes))(
  'output %s: an image with commands in every text is shown without them',
  async (_, { env, args }) => {
    const registry = await startRegistry({ storage: memoryStorage() })
    onTestFinished(() => registry.close())
    const config = {
      architecture: commands,
      os: 'linux',
      created: commands,
      author: commands,
      config: {
        Entrypoint: [commands],
        Cmd: [commands],
        Env: [`A=${commands}`],
        User: commands,
        Labels: { [commands]: commands, 'org.opencontainers.image.version': commands },
      },
      history: [{ created_by: commands }],
      rootfs: { type: 'layers', diff_ids: [] },
    }
    await new Oracle(registry.registry).push(imageWithConfig(config), 'team/api', '1')
    for (const command of [
      ['inspect', `${registry.registry}/team/api:1`],
      ['ls', `${registry.registry}/team/api`],
      ['diff', `${registry.registry}/team/api:1`, `${registry.registry}/team/api:1`],
    ])
      expect(complaintOfOutput(printedBy(await warmDray([...command, ...args], { env })))).toBeUndefined()
  },
)

it('a registry with commands in every header and refusal ends a promotion with one error', async () => {
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
        errors: [{ code: commands, message: commands }],
        schemaVersion: commands,
        mediaType: commands,
      }),
    ),
  )
  const place = await warmWorkplace(
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

/** Commands in text of users and CI jobs: links, GitLab sections, Markdown, formulas. */
const written = [
  '=1+1',
  commands,
  '\u001b]8;;https://attacker.example\u0007click\u001b]8;;\u0007',
  'section_start:1:x\r\u001b[0K',
  'DIGEST=forged\nPATH=/tmp\nx<<EOF\n1\nEOF',
  '<img src=x onerror=alert(1)> [click](javascript:alert(1)) ![x](https://attacker.example) | `x` |',
].join('\n')

/** A promotion on GitHub with commands in every free text. */
async function promotionWithCommands() {
  const registry = await startRegistry({ storage: memoryStorage() })
  onTestFinished(() => registry.close())
  await new Oracle(registry.registry).push(image(), 'staging/api', '1.4.2')
  const at = await warmWorkplace(
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
  const args = ['--reason', written, '--ticket', written, '--actor', written, '--report', 'dotenv=r.env']
  const ended = await warmDray([...toProd('api:1.4.2', ...args), '--verbose'], { cwd: at.folder, env })
  return { at, ended, read: (file: string) => readFile(join(at.folder, file), 'utf8') }
}

describe('text of users and CI jobs with commands', () => {
  it('adds nothing to the files of a CI job, and no line to the log', async () => {
    const { at, ended, read } = await promotionWithCommands()
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
  ])('is shown without commands: %s %s %s', async (...args) => {
    const { at } = await promotionWithCommands()
    const ended = await at.run(...args)
    expect(ended.code).toBe(0)
    expect(complaintOfOutput(printedBy(ended))).toBeUndefined()
  })

  it('is plain text in a summary', () => {
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
])('commands in a file name or reference are not shown: %s %s %s', async (...args) => {
  const ended = await warmDray([...args, commands], { env: { GITHUB_ACTIONS: 'true' } })
  expect(ended.code).not.toBe(0)
  expect(complaintOfOutput(printedBy(ended))).toBeUndefined()
})

it('dray serve shows the paths of requests without commands', async () => {
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
