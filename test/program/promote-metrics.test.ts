import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { toProd, warmWorkplace } from '../support/workplace.ts'
import { world } from '../support/world.ts'

it('dray promote --metrics also writes metrics of a run whose only image is refused', async () => {
  const at = await world().image('api:1.4.2').start()
  const project = await warmWorkplace(at.config)
  const file = join(project.folder, 'promote.prom')
  const images = async (image: string): Promise<readonly string[]> => {
    await project.run(...toProd(image), '--metrics', file)
    const text = await readFile(file, 'utf8')
    expect(text).toMatch(/^dray_promote_last_success_timestamp_seconds\{environment="prod",.*\} \d+/m)
    return text.split('\n').filter((line) => /^dray_promote_images\{.*\} 1$/.test(line))
  }
  expect(await images('api:1.4.2')).toEqual([expect.stringContaining('result="done"')])
  expect(await images('api:1.4.2')).toEqual([expect.stringContaining('result="unchanged"')])
  expect(await images('api:9.9.9')).toEqual([
    'dray_promote_images{environment="",repository="",result="refused"} 1',
  ])
})
