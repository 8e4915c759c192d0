import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createQuestions, takeSingleChoices } from '../../../src/cli/terminal/ask.ts'
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

describe('a list with a filter', () => {
  it('selects nothing that does not match text typed before the prompt', async () => {
    const [input, output] = [new PassThrough(), new PassThrough()]
    const streams = { input: () => input as never, output: output as never }
    const questions = createQuestions({ possible: true, ...streams }, new AbortController().signal)
    input.write('y\r')
    const answer = questions.pick('Environment:', [{ value: 'staging' }, { value: 'prod' }])
    output.on('data', (chunk) => {
      // The prompt has put the entry into the filter, and waits again.
      if (String(chunk).includes('Environment: staging')) input.write('\u0003')
    })
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' })
  })
})
