import { describe, expect, it } from 'vitest'
import { interpolate } from '../../../../src/deployments/references/formats/compose.ts'
import { images, errorIn } from '../../../support/in-use.ts'

const compose = `
name: shop
x-common: &common
  restart: always
services:
  api:
    <<: *common
    image: "r.test/shop/api:\${TAG:-1.4.2}"
    profiles: [prod]
  debug:
    image: r.test/shop/debug:1
    profiles: [debug]
  built: { build: . }
  both: { build: ., image: r.test/shop/both }
  model:
    image: r.test/shop/model:1
    volumes:
      - { type: image, source: "r.test/shop/weights:7", target: /w }
      - { type: volume, source: data, target: /d }
volumes: { data: {} }
`

describe('a Compose file', () => {
  it('has the images of all services of all profiles, with default values', () => {
    expect(images(compose)).toEqual({
      'r.test/shop/api:1.4.2': 'file.yaml: services.api.image',
      'r.test/shop/debug:1': 'file.yaml: services.debug.image',
      'r.test/shop/both:latest': 'file.yaml: services.both.image',
      'r.test/shop/model:1': 'file.yaml: services.model.image',
      'r.test/shop/weights:7': 'file.yaml: services.model.volumes[0].source',
    })
  })

  it.each(['r.test/a:${TAG}', 'r.test/a:$TAG', 'r.test/a:${TAG:?say which}', 'r.test/a:${X:-${TAG}}'])(
    'with %s is an error that names the variable',
    (image) => {
      const error = errorIn(JSON.stringify({ services: { a: { image } } }))
      expect(error.code).toBe('refused')
      expect(error.why).toBe('file.yaml: services.a.image: the variable TAG has no default')
      expect(error.hint).toContain('docker compose config')
    },
  )

  it('with too deeply nested variables is an error', () => {
    const image = `${'${A:-'.repeat(100_000)}x${'}'.repeat(100_000)}`
    expect(errorIn(JSON.stringify({ services: { a: { image } } })).why).toContain('services.a.image')
  })

  it('may have an image from a merge key', () => {
    const text =
      'x-a: &a { image: r.test/a:1 }\nservices:\n  web: { <<: *a }\n  other: { <<: *a, image: r.test/b:1 }'
    expect(Object.keys(images(text))).toEqual(['r.test/a:1', 'r.test/b:1'])
  })
})

describe('defaults of variables', () => {
  it.each([
    ['a:${T:-1}', 'a:1'],
    ['a:${T-1}', 'a:1'],
    ['${R:-r.test:5000}/a:${T:-${U:-2}}', 'r.test:5000/a:2'],
    ['a:${T:-}', 'a:'],
    ['a$$b', 'a$b'],
    ['plain', 'plain'],
    ['a:${T:-1}-${U-x}', 'a:1-x'],
  ])('make %s into %s', (text, known) => {
    expect(interpolate(text)).toEqual({ text: known })
  })

  it.each([
    ['${T', '${T'],
    ['${}', '${}'],
    ['$', '$'],
    ['${T:+1}', 'T'],
    ['${1}', '${1}'],
    ['${T:-${U}', '${T:-${U}'],
  ])('cannot be found in %s', (text, variable) => {
    expect(interpolate(text)).toEqual({ variable })
  })
})
