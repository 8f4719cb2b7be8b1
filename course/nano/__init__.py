"""Ten years of NLP, one architecture a file, each of them whole, short, and equal to its reference.

::

    word2vec     2013  a vector for each word, from predicting its neighbors
    glove        2014  the same from counts; PPMI + SVD, which needs no training at all
    attention    2014  a decoder that looks back at every word of its source
    lstm         1997  a cell that keeps what it is told to keep
    bpe          2016  an alphabet of bytes that grows by its most frequent pair
    transformer  2017  attention alone: encoder and decoder
    elmo         2018  a word's vector depends on its sentence
    gpt          2018  pre-train a decoder on text, fine-tune it on a task
    bert         2018  an encoder that guesses masked words; loads the real MiniLM
    gpt2         2019  the decoder that is prompted, with a cache of keys and values
    t5           2019  reads text and writes text, whatever the task; loads the real T5 and Flan-T5
    sentences    2019  one vector for many words
    tacotron     2017  words to phonemes to a spectrogram, by attention that moves forward
    parlai       2017  dialogue data of all kinds in one text format, and the teacher that says it
    chat         2020  a reply chosen among people's: bi-encoder, poly-encoder, cross-encoder
    seq2seq      2020  an encoder-decoder that replies: beam, top-p, minimum length, no n-gram twice
    refine       2020  a bot that writes, alone or from a retrieved reply, and what its replies are measured by

    text_to_text spans and tasks as pairs of texts, and the folder of a T5
    dialogue     conversations as prompts with their replies
    speech       sound to spectrogram and back, and what a recognizer hears in it
    text         corpora, words and vocabularies
    fit          the loop that trains all of them
    pretrained   recipes of what takes minutes, and the cache that keeps it: ELMo, GPT-2, chat bots, a voice
    pretrained_t5 the recipe of the T5
    parlai_tasks our data sets as episodes
    acute        a page on which a reader judges two bots blindly, with an interval
    probe        word similarity, analogies, perplexity, a Kneser-Ney trigram to beat, and accuracy with few labels

Read a file from its first line to its last: no model imports another one, except where history did (GPT-2 and the chat
bots that write are built of ``transformer``). Shapes stand at the end of each line of a ``forward``: **B** texts,
**T** tokens (**S** of a source), **V** words, **E** width of a vector, **H** hidden units, **A** heads, **D** width of
a head, **K** choices.
"""
