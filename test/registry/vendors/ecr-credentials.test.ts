import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../../src/embedded/storage/memory-storage.ts'
import type { DrayError } from '../../../src/lib/errors.ts'
import { tempFolder } from '../../support/temp.ts'
import { newCall, scripted } from '../client/world.ts'
import { accessKey, ecr, entriesOf, errorOf, operations, stubAws } from './ecr-world.ts'

const profiles = `
[profile role]
role_arn = arn:aws:iam::123456789012:role/reader
source_profile = base
region = eu-west-1
[profile base]
aws_access_key_id = AKIDBASE
aws_secret_access_key = base-secret
`

const singleSignOn = `
[profile sso]
sso_start_url = https://acme.awsapps.com/start
sso_region = eu-west-1
sso_account_id = 123456789012
sso_role_name = reader
`

/** docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html, sample response. */
const role = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey>
<SessionToken>role-session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>`

describe('credentials of AWS', () => {
  const auth = { scheme: 'basic', users: { [accessKey.id]: 'unused' } } as const

  it('are accepted by their access key', async () => {
    const world = await ecr({}, { auth })
    stubAws({ AWS_ACCESS_KEY_ID: 'AKIDOTHER' })
    const error = await errorOf(entriesOf(world.inventory, world.name('a')))
    expect(error.code).toBe('unauthorized')
    expect(error.hint).toContain('the AWS credential chain')
    stubAws()
    expect((await errorOf(entriesOf((await ecr({}, { auth })).inventory, world.name('a')))).code).toBe(
      'not-found',
    )
  })

  it('that are missing are one error for all repositories, with the permissions', async () => {
    const world = await ecr()
    stubAws({ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined })
    const error = await errorOf(entriesOf(world.inventory, world.name('a')))
    expect(await errorOf(entriesOf(world.inventory, world.name('b')))).toBe(error)
    expect([error.code, operations(world.log)]).toEqual(['unauthorized', []])
    expect(error.message).not.toContain('/a')
    expect(error.hint).toContain('ecr:DescribeImages, ecr:DescribeRepositories and ecr:BatchDeleteImage')
    expect(error.hint).toContain('docker login does not work')
  })

  it('come from STS through the HTTP stack, as the profile names the role', async () => {
    const world = await ecr()
    await world.image('a', 'x', '1')
    const sts = await scripted(() => ({ status: 200, headers: { 'content-type': 'text/xml' }, body: role }))
    const config = join(await tempFolder(), 'config')
    await writeFile(config, profiles)
    stubAws({
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_PROFILE: 'role',
      AWS_CONFIG_FILE: config,
      AWS_ENDPOINT_URL_STS: `http://${sts.registry}`,
    })
    const call = newCall()
    expect(await entriesOf(world.inventory, world.name('a'), call)).toHaveLength(1)
    expect(sts.heard.map(({ body }) => new URLSearchParams(body.toString()).get('Action'))).toEqual([
      'AssumeRole',
    ])
    // The SDK opened no connection itself: the stack reports both requests, with its own agent.
    expect(call.events.filter(({ kind }) => kind === 'request')).toHaveLength(2)
    expect(sts.heard[0]?.headers['user-agent']).toBe('dray/test')
    expect(world.log.at(-1)?.status).toBe(200)
  })

  it('that STS refuses are an error with its reason, and ECR is not asked', async () => {
    const world = await ecr()
    const reason = '<Code>AccessDenied</Code><Message>not authorized to perform sts:AssumeRole</Message>'
    const body = `<ErrorResponse><Error><Type>Sender</Type>${reason}</Error></ErrorResponse>`
    const sts = await scripted(() => ({ status: 403, headers: { 'content-type': 'text/xml' }, body }))
    const config = join(await tempFolder(), 'config')
    await writeFile(config, profiles)
    stubAws({
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_PROFILE: 'role',
      AWS_CONFIG_FILE: config,
      AWS_ENDPOINT_URL_STS: `http://${sts.registry}`,
    })
    const error = await errorOf(entriesOf(world.inventory, world.name('a')))
    expect([error.code, error.why, operations(world.log)]).toEqual([
      'unauthorized',
      'not authorized to perform sts:AssumeRole',
      [],
    ])
    expect(error.message).toContain('dray has no AWS credentials')
  })

  it('come from STS for the web identity of a pod or a job', async () => {
    const world = await ecr()
    await world.image('a', 'x', '1')
    const body = role.replaceAll('AssumeRole', 'AssumeRoleWithWebIdentity')
    const sts = await scripted(() => ({ status: 200, headers: { 'content-type': 'text/xml' }, body }))
    const token = join(await tempFolder(), 'token')
    await writeFile(token, 'canary-web-identity')
    stubAws({
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/reader',
      AWS_WEB_IDENTITY_TOKEN_FILE: token,
      AWS_ENDPOINT_URL_STS: `http://${sts.registry}`,
    })
    const call = newCall()
    expect(await entriesOf(world.inventory, world.name('a'), call)).toHaveLength(1)
    const sent = new URLSearchParams(sts.heard[0]?.body.toString())
    expect(sent.get('WebIdentityToken')).toBe('canary-web-identity')
    expect(call.events.filter(({ kind }) => kind === 'request')).toHaveLength(2)
  })

  it('come from single sign-on through the HTTP stack', async () => {
    const world = await ecr()
    await world.image('a', 'x', '1')
    const roleCredentials = {
      accessKeyId: 'ASIASSO',
      secretAccessKey: 'sso-secret',
      sessionToken: 'sso-session',
      expiration: Date.UTC(2099, 0, 1),
    }
    const sso = await scripted(() => ({ status: 200, body: JSON.stringify({ roleCredentials }) }))
    const home = await tempFolder()
    await writeFile(join(home, 'config'), singleSignOn)
    const cache = join(home, '.aws', 'sso', 'cache')
    await mkdir(cache, { recursive: true })
    const name = createHash('sha1').update('https://acme.awsapps.com/start').digest('hex')
    const session = { accessToken: 'canary-sso-token', expiresAt: '2099-01-01T00:00:00Z' }
    await writeFile(join(cache, `${name}.json`), JSON.stringify(session))
    stubAws({
      HOME: home,
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_PROFILE: 'sso',
      AWS_CONFIG_FILE: join(home, 'config'),
      AWS_ENDPOINT_URL_SSO: `http://${sso.registry}`,
    })
    const call = newCall()
    expect(await entriesOf(world.inventory, world.name('a'), call)).toHaveLength(1)
    expect(sso.requests()).toEqual(['GET /federation/credentials?role_name=reader&account_id=123456789012'])
    expect(sso.heard[0]?.headers).toMatchObject({
      'user-agent': 'dray/test',
      'x-amz-sso_bearer_token': 'canary-sso-token',
    })
    expect(call.events.filter(({ kind }) => kind === 'request')).toHaveLength(2)
  })

  it('come from the container, which the SDK asks without the HTTP stack', async () => {
    const world = await ecr()
    await world.image('a', 'x', '1')
    const found = { AccessKeyId: 'ASIATASK', SecretAccessKey: 'task-secret', Token: 'task-session' }
    const body = JSON.stringify({ ...found, Expiration: '2099-01-01T00:00:00Z' })
    const container = await scripted(() => ({ status: 200, body }))
    stubAws({
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://${container.registry}/task`,
    })
    const call = newCall()
    expect(await entriesOf(world.inventory, world.name('a'), call)).toHaveLength(1)
    expect(container.requests()).toEqual(['GET /task'])
    expect(call.events.filter(({ kind }) => kind === 'request')).toHaveLength(1)
  })

  it('whose session ended are read again once, then it is an error with the fix', async () => {
    const world = await ecr({ traits: new Set(['sessions end']) })
    stubAws({ AWS_SESSION_TOKEN: 'session-1' })
    await world.image('a', 'x', '1')
    await entriesOf(world.inventory, world.name('a'))
    await world.clock.advance(15 * 60_000)
    stubAws({ AWS_SESSION_TOKEN: 'session-2' })
    expect(await entriesOf(world.inventory, world.name('a'))).toHaveLength(1)
    expect(operations(world.log)).toEqual([200, 400, 200])
    await world.clock.advance(15 * 60_000)
    const error = await errorOf(entriesOf(world.inventory, world.name('a')))
    expect([error.code, error.registryCode]).toEqual(['unauthorized', 'ExpiredTokenException'])
    expect(error.hint).toContain('aws sso login')
  })

  it('without the permission to delete are an error that names the operation', async () => {
    const storage = memoryStorage()
    const { digest } = await (await ecr({}, { storage })).image('a', 'x', '1')
    const mayDo = (_: unknown, path: string, action: string) => path === 'a' && action === 'pull'
    const world = await ecr({}, { auth: { ...auth, mayDo }, storage })
    expect(await entriesOf(world.inventory, world.name('a'))).toHaveLength(1)
    const batch = [{ kind: 'manifest', digest }] as const
    const [outcome] = await Array.fromAsync(world.inventory.remove?.(world.name('a'), batch, newCall()) ?? [])
    if (outcome?.result !== 'failed') throw new Error('not refused')
    expect(outcome.error).toMatchObject({ code: 'forbidden', registryCode: 'AccessDeniedException' })
    expect((outcome.error as DrayError).hint).toContain('ecr:BatchDeleteImage')
  })
})
