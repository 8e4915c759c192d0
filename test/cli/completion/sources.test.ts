import { describe, expect, it, onTestFinished } from 'vitest'
import { RealSources } from '../../../src/cli/completion/sources.ts'
import { Context } from '../../../src/cli/wiring/context.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { type Script, scriptedServer } from '../../support/scripted-server.ts'
import { workplace } from '../../support/workplace.ts'
import { configOf, world } from '../../support/world.ts'

const endless = new AbortController().signal

/** Opens the sources of one keypress in a folder with this `dray.yaml`. */
async function keyboard(config: string) {
  const { folder } = await workplace(config)
  const clock = manualClock()
  const press = (signal = endless, isBackground = false): RealSources => {
    const context = new Context({
      configFile: undefined,
      env: { HOME: folder },
      cwd: folder,
      version: '0.0.0',
      clock,
    })
    onTestFinished(() => context.close())
    return new RealSources(context, { limit: () => signal, isBackground })
  }
  return { press, clock }
}

async function serve(script: Script): Promise<string> {
  const server = await scriptedServer(script)
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server.host
}

describe('names for completion', () => {
  it('are the environments, images, policies, registries and repositories of dray.yaml', async () => {
    const { press } = await keyboard(`version: 1
registries: { mirror.example.com: {} }
environments:
  dev:
    registry: r.example.com
    path: "dev/{image}"
    tags: { variants: [alpine, "debian-*"] }
    gates:
      - { name: sbom, sbom: {} }
      - { name: fixed, sbom: {}, override: never }
images: { api: { name: team/api, tags: { variants: [slim] } } }
retention: { nightly: { rules: [{ name: all, tags: ["*"], keepNewest: 1 }] } }
`)
    expect(await press().names()).toEqual({
      environments: ['dev'],
      images: ['api'],
      policies: ['nightly'],
      syncRules: [],
      hosts: ['mirror.example.com', 'r.example.com'],
      repositories: ['r.example.com/dev/team/api'],
      variants: ['alpine', 'slim'],
      gates: ['sbom'],
    })
  })

  it('are empty if dray.yaml has a mistake', async () => {
    const { press } = await keyboard('version: 2\n')
    expect((await press().names()).environments).toEqual([])
    expect(await press().tags('api', ['dev'])).toEqual([])
  })
})

describe('tags for completion', () => {
  it('have the highest version first and no tags of attached artifacts', async () => {
    const registries = await world()
      .image('api:1.4.2')
      .signed('cosign')
      .image('api:1.10.0')
      .image('api:main')
      .start()
    const { press } = await keyboard(registries.config)
    expect(await press().tags('api', ['staging'])).toEqual(['1.10.0', '1.4.2', 'main'])
    expect(await press().tags('@staging/api', [])).toEqual(['1.10.0', '1.4.2', 'main'])
    expect(await press().tags(`${registries.staging.host}/staging/api`, [])).toHaveLength(3)
  })

  it('are read from the registry once in five minutes', async () => {
    const registries = await world().image('api:1.4.2').start()
    const { press, clock } = await keyboard(registries.config)
    const read = async (): Promise<number> =>
      (await registries.during(() => press().tags('api', ['staging']))).length
    expect(await read()).toBeGreaterThan(0)
    await clock.advance(5 * 60_000 - 1)
    expect(await read()).toBe(0)
    expect(await press().tags('api', ['staging'])).toEqual(['1.4.2'])
    await clock.advance(1)
    expect(await read()).toBeGreaterThan(0)
  })

  it('are asked for again after ten seconds if the repository had none', async () => {
    const registries = await world().image('api:1.4.2').start()
    const { press, clock } = await keyboard(registries.config)
    expect(await press().tags('api', ['prod'])).toEqual([])
    expect(await registries.during(() => press().tags('api', ['prod']))).toEqual([])
    await clock.advance(10_000)
    expect(await registries.during(() => press().tags('api', ['prod']))).not.toEqual([])
  })

  it('are empty if the registry refuses', async () => {
    const { press } = await keyboard(
      configOf(await serve((_, response) => void response.writeHead(403).end())),
    )
    const sources = press()
    expect(await sources.tags('api', ['staging'])).toEqual([])
    expect(sources.isLate).toBe(false)
  })

  it('are empty after the time limit, and left to another process for ten seconds', async () => {
    let isSlow = true
    const limit = new AbortController()
    const host = await serve(({ path }, response) => {
      if (isSlow) limit.abort(new Error('too late'))
      else response.end(path.includes('tags') ? '{"name":"staging/api","tags":["1.4.2"]}' : '{}')
    })
    const { press, clock } = await keyboard(configOf(host))
    const late = press(limit.signal)
    expect(await late.tags('api', ['staging'])).toEqual([])
    expect(late.isLate).toBe(true)
    isSlow = false
    // The next keypress leaves the reading to the other process, which may die.
    expect(await press().tags('api', ['staging'])).toEqual([])
    await clock.advance(10_000)
    expect(await press().tags('api', ['staging'])).toEqual(['1.4.2'])
  })

  it('are read in the background while a keypress expects them', async () => {
    let isSlow = true
    const limit = new AbortController()
    const host = await serve((_, response) => {
      if (isSlow) limit.abort(new Error('too late'))
      else response.end('{"name":"staging/api","tags":["1.4.2"]}')
    })
    const { press } = await keyboard(configOf(host))
    await press(limit.signal).tags('api', ['staging'])
    isSlow = false
    await press(endless, true).tags('api', ['staging'])
    expect(await press().tags('api', ['staging'])).toEqual(['1.4.2'])
  })
})
