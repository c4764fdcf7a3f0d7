// The names that what describes a model has in files.
#pragma once

namespace charrnn {

/// The attributes of /model_config: visit(name, value), where a value is a std::string, std::int64_t, double or bool.
/// `settings` is a ModelSettings, const or not.
template <class Settings, class Visit>
void for_each_setting(Settings& settings, const Visit& visit) {
  visit("model", settings.model.model);
  visit("layers", settings.model.layers);
  visit("hidden", settings.model.hidden);
  visit("embedding", settings.model.embedding);
  visit("recurrent_init", settings.model.recurrent_init);
  visit("dropout", settings.model.dropout);
  visit("dropout_input", settings.model.dropout_input);
  visit("dropout_output", settings.model.dropout_output);
  visit("locked_dropout", settings.model.locked_dropout);
  visit("weight_dropout", settings.model.weight_dropout);
  visit("window", settings.window);
  visit("predict", settings.predict);
}

/// What a vocabulary has beside its symbols, in the same way. `vocabulary` is a Checkpoint::Vocabulary, const or not.
template <class Vocabulary, class Visit>
void for_each_vocabulary_option(Vocabulary& vocabulary, const Visit& visit) {
  visit("unknown", vocabulary.unknown);
  visit("padding", vocabulary.padding);
  visit("lowercase", vocabulary.lowercase);
  visit("bytes", vocabulary.bytes);
  visit("full", vocabulary.full);
  visit("min_freq", vocabulary.min_freq);
}

}  // namespace charrnn
