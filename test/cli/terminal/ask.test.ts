import { describe, expect, it } from 'vitest'
import { takeSingleChoices } from '../../../src/cli/terminal/ask.ts'
import { scriptedAnswers } from '../../support/scripted-answers.ts'

const [api, web] = [{ value: 'api' }, { value: 'web' }]

describe('a list of choices', () => {
  it('is not asked if it has one choice', async () => {
    const { questions, asked } = scriptedAnswers()
    expect(await takeSingleChoices(questions).pick('Image:', [api])).toBe('api')
    expect(await takeSingleChoices(questions).pickSome('Images:', [api])).toEqual(['api'])
    expect(asked).toEqual([])
  })

  it('is asked if it has several', async () => {
    const { questions, asked } = scriptedAnswers('web', ['api', 'web'])
    expect(await takeSingleChoices(questions).pick('Image:', [api, web])).toBe('web')
    expect(await takeSingleChoices(questions).pickSome('Images:', [api, web])).toEqual(['api', 'web'])
    expect(asked).toHaveLength(2)
  })
})
