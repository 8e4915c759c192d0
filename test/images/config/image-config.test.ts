import { describe, expect, it } from 'vitest'
import { parseDescriptor } from '../../../src/oci/descriptor.ts'
import { readImageConfig } from '../../../src/images/config/image-config.ts'
import { embedded, newCall, openStores } from '../../registry/client/world.ts'
import { imageWithConfig } from '../../support/config-image.ts'
import { body } from '../../support/images.ts'

/** Reads the config of an image with these fields. */
async function read(config: string | object) {
  const { registry, push } = await embedded()
  const content = imageWithConfig(config)
  await push(content, 'api')
  const store = openStores().source({ registry, path: 'api' })
  return await readImageConfig(store, parseDescriptor(body(content)['config'], 'config'), newCall())
}

describe('the config of an image', () => {
  it('has the settings, the author and the number of build steps', async () => {
    const config = {
      Entrypoint: ['/app', '-x'],
      Cmd: 'serve',
      User: '65532:65532',
      WorkingDir: '/srv',
      ExposedPorts: { '8080/tcp': {}, '9090/udp': {} },
      Env: ['PATH=/bin', 'EMPTY=', 'A=b=c'],
      Volumes: { '/data': {} },
      StopSignal: 'SIGQUIT',
    }
    const all = {
      os: 'linux',
      architecture: 'arm64',
      variant: 'v8',
      author: 'Ada',
      history: [{}, {}],
      config,
    }
    expect(await read(all)).toEqual({
      platform: 'linux/arm64/v8',
      author: 'Ada',
      labels: {},
      history: 2,
      settings: {
        entrypoint: ['/app', '-x'],
        cmd: ['serve'],
        user: '65532:65532',
        workingDir: '/srv',
        exposedPorts: ['8080/tcp', '9090/udp'],
        env: ['PATH=/bin', 'EMPTY=', 'A=b=c'],
        volumes: ['/data'],
        stopSignal: 'SIGQUIT',
      },
    })
  })

  it('may have absent or null fields', async () => {
    const nothing = { labels: {}, history: 0, settings: {} }
    expect(await read('{}')).toEqual(nothing)
    expect(await read({ config: { Entrypoint: null, Cmd: [], Env: null, Volumes: {}, User: '' } })).toEqual(
      nothing,
    )
    const rest = { created: null, history: null, rootfs: null, author: null, architecture: null, os: null }
    expect(await read({ ...rest, config: { Labels: null, ExposedPorts: null } })).toEqual(nothing)
    expect(await read({ config: null })).toEqual(nothing)
    const settings = { env: ['A=b', ''], exposedPorts: ['80/tcp'] }
    const entries = { Labels: { a: null }, Env: ['A=b', null], ExposedPorts: { '80/tcp': null } }
    expect(await read({ config: entries })).toEqual({ ...nothing, labels: { a: '' }, settings })
  })

  it.each([
    [{ config: { Env: [1] } }, 'config.Env is not a list of strings'],
    [{ config: { ExposedPorts: ['80'] } }, 'config.ExposedPorts is not an object'],
    [{ created: 5 }, 'created is not a string'],
    ['[]', 'is not an object'],
  ])('is malformed if it is %j: %s', async (config, message) => {
    await expect(read(config)).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining(message),
    })
  })
})
